#include "napi/environment/environment.h"
#include "napi/shared_memory.h"

namespace chainrule {

Napi::Value trainings(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "trainings");
  Environment& own = Environment::of(info.Env());
  // No environment takes back more than it has added.
  const int64_t lowest = own.trainings() > 0 ? -1 : 0;
  own.change_trainings(static_cast<int32_t>(arguments.integer(0, "change", lowest, 1)));
  return Napi::Number::New(info.Env(), Environment::all_trainings());
}

}  // namespace chainrule
