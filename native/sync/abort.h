#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "engine/op_error.h"

namespace chainrule {

// Thrown where a run looks for an abort, when there is one.
struct Aborted : OpError {
  Aborted() : OpError("run", "was aborted before its end", kReleasedCode) {}
};

// Tells runs to stop: a word that any thread may set. A run looks between two blocks of its work.
class Abort {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  explicit Abort(int32_t* word) : word_(word), era_(eras.load(std::memory_order_relaxed)) {}
  Abort(const Abort&) = delete;
  Abort& operator=(const Abort&) = delete;
  virtual ~Abort() = default;

  // Aborts all runs of the process that are under way.
  static void abort_all() { eras.fetch_add(1, std::memory_order_relaxed); }

  bool aborted() {
    ++looks_;
    const bool told = std::atomic_ref(*word_).load(std::memory_order_relaxed) != 0 ||
                      eras.load(std::memory_order_relaxed) != era_ || looks_ >= limit_;
    return told || (looks_ % kPeriod == 0 && must_stop());
  }

  // Looks so far.
  int64_t looks() const { return looks_; }

 protected:
  // Follows another word. The look number `limit` from now on finds an abort in any case.
  void follow(int32_t* word, int64_t limit) { word_ = word, limit_ = limit, looks_ = 0; }

  // Leaves behind what aborted the runs so far.
  void renew() { era_ = eras.load(std::memory_order_relaxed); }

  // Looks for whatever else ends a run, but takes longer to look at.
  virtual bool must_stop() { return false; }

 private:
  static constexpr int64_t kPeriod = 16;

  // All runs that began in an earlier era are aborted.
  inline static std::atomic<uint32_t> eras{0};

  int32_t* word_;
  uint32_t era_;
  int64_t looks_ = 0, limit_ = kNever;
};

// The runs of this thread look at an abort while this lives, or at none. Throws Aborted if there is
// one already.
class AbortScope {
 public:
  explicit AbortScope(Abort* abort);
  AbortScope(const AbortScope&) = delete;
  AbortScope& operator=(const AbortScope&) = delete;
  ~AbortScope();

 private:
  Abort* before_;
};

// Throws Aborted if the run on this thread has to stop.
void look_for_abort();

// Looks for an abort between blocks of work, if enough was done since the last look.
class AbortCheck {
 public:
  // Adds up work, in elements read or written, or what takes as long.
  void after(int64_t work) {
    done_ += work;
    if (done_ >= kInterval) [[unlikely]] {
      done_ = 0;
      look_for_abort();
    }
  }

  // About 100 us.
  static constexpr int64_t kInterval = 1 << 16;

 private:
  int64_t done_ = 0;
};

// The work of a product of [rows, depth] by [depth, columns]: vectors take several elements at
// once.
inline int64_t product_work(int64_t rows, int64_t columns, int64_t depth) {
  return rows * columns * depth / 16;
}

// Calls visit(first, count) for blocks of 0 ... count - 1, and looks for an abort after each.
template <typename Visit>
void in_blocks(int64_t count, Visit visit) {
  for (int64_t first = 0; first < count; first += AbortCheck::kInterval) {
    const int64_t left = count - first;
    visit(first, left < AbortCheck::kInterval ? left : AbortCheck::kInterval);
    if (left > AbortCheck::kInterval) look_for_abort();
  }
}

}  // namespace chainrule
