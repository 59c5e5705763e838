#pragma once

#include <numeric>

#include "reducer.h"

namespace chainrule::CHAINRULE_ISA {

// Reduces the columns of long matrices [length, inner], a strip of columns at a time. Rows are
// added into a ring that holds one or more of them, so that short rows fill whole vectors, too. The
// ring goes into doubles every few passes: the error does not grow with the length.
template <class Operation, typename T>
class ColumnReducer final : public Reducer<Operation, T> {
  using Base = Reducer<Operation, T>;
  using Base::block_, Base::extent_, Base::kIdentity, Base::program_;

 public:
  ColumnReducer(const StepReader& step, const Extent& extent)
      : Base(step, extent, block_size(extent)),
        strip_(std::min(extent.inner, kMaxStrip)),
        ring_(ring_size(strip_)),
        sums_(ring_),
        totals_(ring_) {}

  void run(const Run& run) const override {
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; ++a) {
      for (int64_t b = 0; b < extent_.inner; b += strip_) {
        reduce_strip(run, a, b, std::min(strip_, extent_.inner - b));
      }
    }
  }

 private:
  static constexpr int64_t kMaxStrip = 1024, kLanes = 256, kMaxBlock = 2048, kPasses = 64;

  // Some rows: whole lines, as far as that does not take too many.
  static int64_t ring_size(int64_t strip) {
    const int64_t lines = std::lcm(strip, kLine<T>);
    const int64_t unit = lines <= kMaxStrip ? lines : strip;
    return unit * std::max<int64_t>(kLanes / unit, 1);
  }

  static int64_t block_size(const Extent& extent) {
    const int64_t ring = ring_size(std::min(extent.inner, kMaxStrip));
    return extent.inner > kMaxStrip ? ring : ring * std::max<int64_t>(kMaxBlock / ring, 1);
  }

  // Columns b ... b + width - 1 of group a. Where the strip is all of the matrix, a block takes
  // many rows.
  void reduce_strip(const Run& run, int64_t a, int64_t b, int64_t width) const {
    std::fill_n(sums_.data(), ring_, kIdentity);
    std::fill_n(totals_.data(), ring_, Operation::template identity<double>());
    const bool whole = width == extent_.inner;
    const int64_t count = whole ? extent_.group() : extent_.length * width;
    const int64_t step = whole ? block_ : width, stride = whole ? block_ : extent_.inner;
    int64_t first = a * extent_.group() + b, passes = 0;
    for (int64_t done = 0; done < count; done += step, first += stride) {
      const int64_t n = std::min(step, count - done);
      add_block(program_.block(first, n), n);
      passes += (n + ring_ - 1) / ring_;
      if (passes >= kPasses) flush(), passes = 0;
    }
    flush();
    finish(run, a * extent_.inner + b, width);
  }

  // Four rounds of the ring at once: the sums are loaded and stored less often.
  void add_block(const T* values, int64_t n) const {
    for (; n >= 4 * ring_; n -= 4 * ring_, values += 4 * ring_) {
      combine_four_into<Operation>(sums_.data(), values, ring_);
    }
    for (; n > 0; n -= ring_, values += ring_) {
      combine_into<Operation>(sums_.data(), values, std::min(n, ring_));
    }
  }

  void flush() const {
    combine_into<Operation>(totals_.data(), sums_.data(), ring_);
    std::fill_n(sums_.data(), ring_, kIdentity);
  }

  // The rows of the ring become one.
  void finish(const Run& run, int64_t first, int64_t width) const {
    double* totals = totals_.data();
    for (int64_t at = strip_; at + strip_ <= ring_; at += strip_) {
      combine_into<Operation>(totals, totals + at, strip_);
    }
    T* out = sums_.data();
    for (int64_t i = 0; i < width; ++i) out[i] = static_cast<T>(totals[i]);
    this->store(run, out, width, first);
  }

  int64_t strip_, ring_;
  Scratch<T> sums_;
  Scratch<double> totals_;
};

}  // namespace chainrule::CHAINRULE_ISA
