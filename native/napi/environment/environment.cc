#include "napi/environment/environment.h"

namespace chainrule {

Environment& Environment::of(Napi::Env env) {
  if (auto* own = env.GetInstanceData<Environment>()) return *own;
  auto own = std::make_unique<Environment>(env);
  Environment& reference = *own;
  env.SetInstanceData(own.release());
  return reference;
}

}  // namespace chainrule
