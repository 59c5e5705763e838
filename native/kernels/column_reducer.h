#pragma once

#include <numeric>

#include "reducer.h"

namespace chainrule::CHAINRULE_ISA {

// Reduces the columns of long matrices [length, inner]. Rows are added into a ring that holds one or more of them, so
// that short rows fill whole vectors, too. A ring's totals go into doubles every few passes: the error does not grow
// with the length.
template <class Operation, typename T>
class ColumnReducer final : public Reducer<Operation, T> {
  using Base = Reducer<Operation, T>;
  using Base::block_, Base::extent_, Base::kIdentity, Base::program_;

 public:
  ColumnReducer(const StepReader& step, const Extent& extent)
      : Base(step, extent, kBlock),
        strip_(std::min(extent.inner, kMaxStrip)),
        ring_(ring_size(strip_)),
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
  static constexpr int64_t kBlock = 256, kMaxStrip = 4096, kPasses = 32;

  // Some rows: whole lines, and no less than a block, as far as that does not take too many.
  static int64_t ring_size(int64_t strip) {
    const int64_t lines = std::lcm(strip, kLine<T>);
    const int64_t unit = lines <= kMaxStrip ? lines : strip;
    return unit * std::max<int64_t>(kBlock / unit, 1);
  }

  // Columns b ... b + width - 1 of group a.
  void reduce_strip(const Run& run, int64_t a, int64_t b, int64_t width) const {
    const int64_t first = a * extent_.group() + b;
    std::fill_n(sums_.data(), ring_, kIdentity);
    std::fill_n(totals_.data(), ring_, Operation::template identity<double>());
    // Rows as wide as the matrix follow each other without a gap, and are one row to the ring.
    const bool whole = width == extent_.inner;
    const int64_t rows = whole ? 1 : extent_.length;
    const int64_t columns = whole ? extent_.group() : width;
    int64_t at = 0, passes = 0;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns;) {
        const int64_t end = whole ? ring_ : width;
        const int64_t n = std::min({block_, end - at, columns - c});
        combine_into<Operation>(sums_.data() + at, program_.block(first + r * extent_.inner + c, n), n);
        c += n, at += n;
        if (at == end) at = 0, ++passes;
        if (passes == kPasses) flush(), passes = 0;
      }
    }
    flush();
    finish(run, a * extent_.inner + b, width);
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
  Scratch<T> sums_{ring_};
  Scratch<double> totals_;
};

}  // namespace chainrule::CHAINRULE_ISA
