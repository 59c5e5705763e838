#pragma once

#include <atomic>
#include <utility>

#include "engine/arena.h"
#include "engine/op_error.h"
#include "napi/arguments.h"

namespace chainrule {

// Exclusive use of something that serves one run at a time.
class Hold {
 public:
  Hold(std::atomic_flag& busy, const char* error) : busy_(busy) {
    if (busy_.test_and_set(std::memory_order_acquire)) throw OpError("plan", error);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { busy_.clear(std::memory_order_release); }

 private:
  std::atomic_flag& busy_;
};

// Memory for the plans of one thread that never run at the same time: as much as the largest of
// those that have run on it. Nothing in it outlives a run. V8 is told how much there is.
class PlanArena {
 public:
  explicit PlanArena(napi_env env) : env_(env) {}
  PlanArena(const PlanArena&) = delete;
  PlanArena& operator=(const PlanArena&) = delete;
  ~PlanArena() { release(); }

  // Grows to at least `bytes`. Throws OpError if there is not enough memory.
  void reserve(size_t bytes);
  // Releases all memory; the next run allocates what it needs.
  void release();
  std::byte* data() const { return memory_.get(); }

  // Held by the run that uses the memory.
  std::atomic_flag busy;

 private:
  void report(int64_t change) const;

  napi_env env_;
  Arena memory_;
  size_t bytes_ = 0;
};

// createArena(): a handle to memory that plans share.
Napi::Value create_arena(const Napi::CallbackInfo& info);

// releaseArena(arena): releases the memory now; a later run allocates it again. Refused while a
// plan is running in it.
void release_arena(const Napi::CallbackInfo& info);

// The memory of a handle, which must be that of createArena.
std::shared_ptr<PlanArena> arena_of(const Arguments& arguments, size_t index);

}  // namespace chainrule
