#pragma once

#include "napi/arguments.h"

namespace chainrule {

// callFacts(step): the bytes of workspace that a step needs, and the method that its kernel
// chooses, if there are several. Operands are described by layout and dtype.
Napi::Value call_facts(const Napi::CallbackInfo& info);

// scratchBytes(plan): bytes that the kernels of a plan allocate for themselves.
Napi::Value scratch_bytes(const Napi::CallbackInfo& info);

// operations(): the operations of the vector machine, in the order in which the compiler tries
// fusions.
Napi::Value operations(const Napi::CallbackInfo& info);

}  // namespace chainrule
