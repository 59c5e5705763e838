#pragma once

#include "napi/arguments.h"

namespace chainrule {

// lockFile(descriptor): as lock_descriptor in platform/file.h.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace chainrule
