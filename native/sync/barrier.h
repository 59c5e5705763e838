#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace chainrule {

// A barrier for threads that share memory, over 16 zeroed int32 words of it:
//   0 arrived, 1 generation, 2 aborted, 3 sleepers; the others are reserved.
// A meeting is `ticket = arrive(parties)`, then `wait(ticket, parties, timeout)` until it returns
// something other than kTimedOut: a thread that timed out has still arrived, and waits again with
// the same ticket. Once wait returns kPassed, every party sees what each of them wrote before it
// arrived. An abort holds until someone zeroes the words, with nobody inside.
class Barrier {
 public:
  enum Outcome { kPassed = 0, kTimedOut = 1, kAborted = 2 };
  static constexpr size_t kWords = 16;

  explicit Barrier(int32_t* words)
      : words_(words),
        arrived_(words[0]),
        generation_(words[1]),
        aborted_(*abort_word(words)),
        sleepers_(words[3]) {}

  // Never blocks. The last of the parties opens the barrier.
  int32_t arrive(int32_t parties) const;

  // Spins briefly, then sleeps until the barrier opens, is aborted, or the timeout expires.
  Outcome wait(int32_t ticket, int32_t parties, std::chrono::milliseconds timeout) const;

  // Ends all waits, now and later.
  void abort() const;
  bool aborted() const { return aborted_.load() != 0; }

  // The word among `words` that is set by an abort.
  static int32_t* abort_word(int32_t* words) { return words + 2; }

 private:
  using Word = std::atomic_ref<int32_t>;

  Outcome look(int32_t ticket) const;
  Outcome sleep(int32_t ticket, std::chrono::milliseconds timeout) const;
  void wake() const;

  const int32_t* words_;
  Word arrived_, generation_, aborted_, sleepers_;
};

}  // namespace chainrule
