#pragma once

#include <memory>

#include "napi/environment/run_abort.h"

namespace chainrule {

// What the addon keeps for each environment: for each thread of JavaScript that has loaded it.
class Environment {
 public:
  static Environment& of(Napi::Env env);

  explicit Environment(Napi::Env env) : abort(env) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { change_trainings(-trainings_); }

  // The trainings of this environment, and of the whole process.
  int32_t trainings() const { return trainings_; }
  static int32_t all_trainings() { return all_trainings_.load(); }
  void change_trainings(int32_t by) {
    trainings_ += by;
    all_trainings_ += by;
  }

  // Made for the first run on a pool thread.
  Lifeline& lifeline(Napi::Env env) {
    if (!lifeline_) lifeline_ = std::make_unique<Lifeline>(env);
    return *lifeline_;
  }

  RunAbort abort;

 private:
  inline static std::atomic<int32_t> all_trainings_{0};

  int32_t trainings_ = 0;
  std::unique_ptr<Lifeline> lifeline_;
};

}  // namespace chainrule
