#include <atomic>
#include <memory>

#include "napi/shared_memory.h"

namespace chainrule {
namespace {

std::atomic<int32_t> running{0};

// The trainings of one environment.
class OwnTrainings {
 public:
  OwnTrainings() = default;
  OwnTrainings(const OwnTrainings&) = delete;
  OwnTrainings& operator=(const OwnTrainings&) = delete;
  ~OwnTrainings() { running -= count_; }

  void change(int32_t by) {
    count_ += by;
    running += by;
  }
  int32_t count() const { return count_; }

 private:
  int32_t count_ = 0;
};

OwnTrainings& own_trainings(Napi::Env env) {
  if (auto* own = env.GetInstanceData<OwnTrainings>()) return *own;
  auto own = std::make_unique<OwnTrainings>();
  OwnTrainings& reference = *own;
  env.SetInstanceData(own.release());
  return reference;
}

}  // namespace

Napi::Value trainings(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "trainings");
  OwnTrainings& own = own_trainings(info.Env());
  // No environment takes back more than it has added.
  const int64_t lowest = own.count() > 0 ? -1 : 0;
  own.change(static_cast<int32_t>(arguments.integer(0, "change", lowest, 1)));
  return Napi::Number::New(info.Env(), running.load());
}

}  // namespace chainrule
