#include "sync/barrier.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace chainrule {
namespace {

struct WaitQueue {
  std::mutex mutex;
  std::condition_variable wake;
};

// One table per process: the threads that meet each load the addon, but share its memory. Barriers
// whose addresses map to the same queue share it, so a woken thread rechecks its own words.
WaitQueue& queue_of(const void* address) {
  static std::array<WaitQueue, 64> queues;
  return queues[reinterpret_cast<uintptr_t>(address) / 64 % queues.size()];
}

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About the time that sleeping and waking takes. With fewer cores than parties, spinning only
// delays the others.
std::chrono::microseconds spin_time(int32_t parties) {
  static const unsigned cores = std::thread::hardware_concurrency();
  return std::chrono::microseconds(static_cast<uint32_t>(parties) <= cores ? 50 : 0);
}

}  // namespace

int32_t Barrier::arrive(int32_t parties) const {
  const int32_t ticket = generation_.load(std::memory_order_acquire);
  // Release our writes to the last party; if that is us, acquire everybody's, and pass them on with
  // the generation.
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) >= parties - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1);
    wake();
  }
  return ticket;
}

Barrier::Outcome Barrier::look(int32_t ticket) const {
  if (aborted_.load() != 0) return kAborted;
  return generation_.load() != ticket ? kPassed : kTimedOut;
}

Barrier::Outcome Barrier::wait(int32_t ticket, int32_t parties,
                               std::chrono::milliseconds timeout) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + spin_time(parties);
  do {
    for (int i = 0; i < 32; ++i) {
      if (const Outcome outcome = look(ticket); outcome != kTimedOut) return outcome;
      pause();
    }
  } while (Clock::now() < end);
  return sleep(ticket, timeout);
}

// A sleeper counts itself before it looks, and whoever opens the barrier checks the count
// afterwards: in the single total order of these sequentially consistent operations, one sees the
// other.
Barrier::Outcome Barrier::sleep(int32_t ticket, std::chrono::milliseconds timeout) const {
  WaitQueue& queue = queue_of(words_);
  std::unique_lock lock(queue.mutex);
  sleepers_.fetch_add(1);
  queue.wake.wait_for(lock, timeout, [&] { return look(ticket) != kTimedOut; });
  sleepers_.fetch_sub(1);
  return look(ticket);
}

void Barrier::abort() const {
  aborted_.store(1);
  wake();
}

void Barrier::wake() const {
  if (sleepers_.load() == 0) return;
  WaitQueue& queue = queue_of(words_);
  // A sleeper that looked before the change holds the mutex until it sleeps, and so does not miss
  // the call.
  { const std::lock_guard lock(queue.mutex); }
  queue.wake.notify_all();
}

}  // namespace chainrule
