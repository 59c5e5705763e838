// Threads meet at barriers, add up rows and set marks, as workers do in a training step, and check
// what they see. Built with -fsanitize=thread by test/native/thread-sanitizer.test.ts. With any
// argument it has a race.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "sync/abort.h"
#include "sync/barrier.h"
#include "sync/combine.h"

namespace {

using chainrule::Barrier;
using std::chrono::milliseconds;

constexpr size_t kElements = 1000;

// Meetings per step. Without the third one, a thread may refill its slot while others still read
// it.
int meetings_per_step = 3;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "parallel-stress: %s\n", what);
  std::exit(1);
}

std::atomic<int64_t> wrong_results{0};

// With the race, results may be wrong before the sanitizer has told of it, which must not end the
// program.
void require_result(bool holds, const char* what) {
  if (!holds) ++wrong_results;
  if (meetings_per_step == 3) require(holds, what);
}

template <typename Body>
void on_threads(int32_t parties, Body body) {
  std::vector<std::thread> threads;
  for (int32_t rank = 0; rank < parties; ++rank) threads.emplace_back(body, rank);
  for (std::thread& thread : threads) thread.join();
}

// True if all met. Short waits time out now and then, as they do in a sleeping worker.
bool meet(int32_t* words, int32_t parties, milliseconds timeout = milliseconds(1)) {
  const Barrier barrier(words);
  const int32_t ticket = barrier.arrive(parties);
  for (;;) {
    const Barrier::Outcome outcome = barrier.wait(ticket, parties, timeout);
    if (outcome != Barrier::kTimedOut) return outcome == Barrier::kPassed;
  }
}

// The sum of `sources` sources as a chain, in postfix.
std::vector<int32_t> chain(int32_t sources) {
  std::vector<int32_t> program{0};
  for (int32_t source = 1; source < sources; ++source) {
    program.push_back(source);
    program.push_back(chainrule::kAdd);
  }
  return program;
}

// Steps of training: each thread fills its slot, all meet, each adds its share of all slots to the
// first one and sets its mark, all meet again, and everyone reads everything.
void train(int32_t parties, int steps) {
  std::array<int32_t, Barrier::kWords> words{};
  std::vector<int32_t> marks(parties);
  std::vector<std::vector<float>> slots(parties, std::vector<float>(kElements));
  std::vector<const float*> sources;
  for (const auto& slot : slots) sources.push_back(slot.data());
  const std::vector<int32_t> program = chain(parties);
  on_threads(parties, [&](int32_t rank) {
    for (int step = 1; step <= steps; ++step) {
      for (float& value : slots[rank]) value = static_cast<float>(rank + step);
      require(meet(words.data(), parties), "a meeting was aborted");
      const size_t start = kElements * rank / parties;
      const size_t end = kElements * (rank + 1) / parties;
      chainrule::combine<float>(sources, program, slots[0].data(), start, end);
      std::atomic_ref(marks[rank]).store(step, std::memory_order_release);
      require(meet(words.data(), parties), "a meeting was aborted");
      const auto expected = static_cast<float>(parties * step + parties * (parties - 1) / 2);
      for (const float value : slots[0]) require_result(value == expected, "a sum is wrong");
      for (int32_t& mark : marks) {
        const int32_t found = std::atomic_ref(mark).load(std::memory_order_acquire);
        require_result(found == step, "a mark is wrong");
      }
      if (meetings_per_step == 3) require(meet(words.data(), parties), "a meeting was aborted");
    }
  });
  require(words[0] == 0 && words[1] == meetings_per_step * steps && words[3] == 0,
          "the barrier is not empty");
}

// One thread leaves after some meetings and aborts; all others are released, wherever they are.
void abort_in_the_middle(int32_t parties, int meetings) {
  std::array<int32_t, Barrier::kWords> words{};
  std::atomic<int32_t> released{0};
  on_threads(parties, [&](int32_t rank) {
    for (int meeting = 0;; ++meeting) {
      if (rank == parties - 1 && meeting == meetings) {
        Barrier(words.data()).abort();
        return;
      }
      if (!meet(words.data(), parties, milliseconds(20))) break;
    }
    ++released;
  });
  require(released == parties - 1, "a thread was not released");
}

// Values that are set from outside, like the words of a pause, while threads time out and wait
// again.
void arrive_late(int32_t parties) {
  std::array<int32_t, Barrier::kWords> words{};
  int32_t value = 0;
  on_threads(parties, [&](int32_t rank) {
    if (rank == 0) {
      std::this_thread::sleep_for(milliseconds(30));
      value = 42;
    }
    require(meet(words.data(), parties), "a meeting was aborted");
    require(value == 42, "what a late thread wrote is not seen");
  });
}

// Threads that would add up for ever, until they see the abort of their barrier, or of all runs.
void abort_runs(int32_t parties, bool all) {
  std::array<int32_t, Barrier::kWords> words{};
  std::atomic<int32_t> begun{0}, ended{0};
  on_threads(parties, [&](int32_t rank) {
    chainrule::Abort abort(Barrier::abort_word(words.data()));
    if (rank == 0) {
      while (begun < parties - 1) std::this_thread::yield();
      all ? chainrule::Abort::abort_all() : Barrier(words.data()).abort();
      return;
    }
    const std::vector<float> source(kElements);
    std::vector<float> sum(kElements);
    const std::array<const float*, 2> sources{source.data(), source.data()};
    try {
      const chainrule::AbortScope scope(&abort);
      ++begun;
      for (chainrule::AbortCheck check;; check.after(kElements)) {
        chainrule::combine<float>(sources, chain(2), sum.data(), 0, kElements);
      }
    } catch (const chainrule::Aborted&) {
      ++ended;
    }
  });
  require(ended == parties - 1, "a run did not see the abort");
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) meetings_per_step = 2;
  for (const int32_t parties : {1, 2, 3, 4, 8, 16}) {
    train(parties, parties > 4 ? 60 : 300);
    if (parties == 1) continue;
    for (int meetings = 0; meetings < 30; ++meetings) abort_in_the_middle(parties, meetings);
    arrive_late(parties);
    for (const bool all : {false, true}) abort_runs(parties, all);
  }
  std::puts(wrong_results == 0 ? "all sums are right" : "sums are wrong");
}
