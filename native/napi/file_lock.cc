#include "napi/file_lock.h"

#include <limits>

#include "platform/file.h"

namespace chainrule {

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "lockFile");
  const int64_t descriptor = arguments.integer(0, "descriptor", 0, std::numeric_limits<int>::max());
  return Napi::Number::New(info.Env(), lock_descriptor(static_cast<int>(descriptor)));
}

}  // namespace chainrule
