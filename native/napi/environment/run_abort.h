#pragma once

#include <chrono>

#include "napi/arguments.h"
#include "sync/abort.h"

namespace chainrule {

// True if the thread of JavaScript that calls this is being terminated, or its environment is being
// closed: from that moment on, Node-API refuses every call that might run JavaScript, which tells
// us. `array` must be a typed array.
bool is_terminating(Napi::Value array);

// Aborts the runs that a thread of JavaScript makes itself: by the barrier of its job, and when the
// thread is being terminated.
class RunAbort final : public Abort {
 public:
  explicit RunAbort(Napi::Env env);

  // Called before a run, which what came before does not concern.
  RunAbort& begin() {
    renew();
    return *this;
  }

  // From now on, the runs are aborted with this barrier, or with none; and at the look with this
  // number, which makes aborts repeatable.
  void follow(Napi::TypedArray barrier, int32_t* words, int64_t limit);
  void follow_none() { Abort::follow(&none_, kNever); }

 protected:
  bool must_stop() override;

 private:
  int32_t none_ = 0;
  Napi::Reference<Napi::TypedArray> array_;  // keeps the words alive
};

// A way for the runs on pool threads to ask whether their environment still lives, which only its
// own thread can see.
class Lifeline {
 public:
  explicit Lifeline(Napi::Env env);
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  // Makes the environment's thread look, without waiting for it.
  void ask() const { napi_call_threadsafe_function(call_, nullptr, napi_tsfn_nonblocking); }
  bool gone() const { return gone_.load(std::memory_order_relaxed); }

 private:
  static void look(napi_env env, napi_value, void* lifeline, void*);

  napi_threadsafe_function call_ = nullptr;
  Napi::Reference<Napi::TypedArray> array_;
  std::atomic<bool> gone_{false};
};

// Aborts a run on a pool thread: by a barrier, if there is one, and when its environment is closed.
class PoolAbort final : public Abort {
 public:
  // Of the words of a barrier, or null.
  PoolAbort(Lifeline& lifeline, int32_t* words);

 protected:
  bool must_stop() override;

 private:
  using Clock = std::chrono::steady_clock;

  Lifeline& lifeline_;
  int32_t none_ = 0;
  Clock::time_point asked_ = Clock::now();
};

// abortRunsBy([barrier[, look]]): see RunAbort::follow.
void abort_runs_by(const Napi::CallbackInfo& info);

// abortAllRuns(): aborts all runs of the process that are under way and have no mark.
void abort_all_runs(const Napi::CallbackInfo& info);

// looks(): the looks for an abort of this thread's runs since the last call of abortRunsBy.
Napi::Value looks(const Napi::CallbackInfo& info);

}  // namespace chainrule
