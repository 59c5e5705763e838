#pragma once

#include "napi/arguments.h"

namespace chainrule {

// lockFile(descriptor): takes the exclusive lock of an open file, without waiting for it. Returns
// 0, or the number of the system's error: EWOULDBLOCK if another open file has the lock. The kernel
// releases it when the descriptor is closed, also by the death of the process.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace chainrule
