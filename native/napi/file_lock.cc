#include "napi/file_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <limits>

namespace chainrule {

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "lockFile");
  const int64_t descriptor = arguments.integer(0, "descriptor", 0, std::numeric_limits<int>::max());
  int error = EINTR;
  while (error == EINTR) {
    error = flock(static_cast<int>(descriptor), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  }
  return Napi::Number::New(info.Env(), error);
}

}  // namespace chainrule
