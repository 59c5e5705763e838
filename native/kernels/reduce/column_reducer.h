#pragma once

#include <numeric>

#include "kernels/reduce/reducer.h"

namespace chainrule::CHAINRULE_ISA {

// Reduces the columns of long matrices [length, inner], a strip of columns at a time. Rows are
// added into a ring that holds one or more of them, so that even short rows fill whole vectors. The
// ring goes into doubles every few passes, so that the error does not grow with the length.
template <typename T>
class ColumnReducer final : public Reducer<T> {
  using Base = Reducer<T>;
  using Base::block_, Base::extent_, Base::program_;

 public:
  ColumnReducer(const StepReader& step, const Extent& extent, typename Base::Reductions reductions)
      : Base(step, extent, std::move(reductions), block_size(extent)),
        strip_(std::min(extent.inner, kMaxStrip)),
        ring_(ring_size(strip_)),
        sums_(rings()),
        totals_(rings()) {}

  void run(const Run& run) const override {
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; ++a) {
      for (int64_t b = 0; b < extent_.inner; b += strip_) {
        reduce_strip(run, a, b, std::min(strip_, extent_.inner - b));
      }
    }
  }

 private:
  static constexpr int64_t kMaxStrip = 1024, kLanes = 128, kMaxBlock = 512, kPasses = 64;

  // Some rows: whole lines, unless that takes too many of them.
  static int64_t ring_size(int64_t strip) {
    const int64_t lines = std::lcm(strip, kLine<T>);
    const int64_t unit = lines <= kMaxStrip ? lines : strip;
    return unit * std::max<int64_t>(kLanes / unit, 1);
  }

  static int64_t block_size(const Extent& extent) {
    const int64_t ring = ring_size(std::min(extent.inner, kMaxStrip));
    return extent.inner > kMaxStrip ? ring : ring * std::max<int64_t>(kMaxBlock / ring, 1);
  }

  // Elements of the rings of all reductions, each starting on a new line.
  int64_t rings() const { return static_cast<int64_t>(this->count()) * whole_lines<T>(ring_); }

  T* sums(size_t k) const { return sums_.data() + k * whole_lines<T>(ring_); }
  double* totals(size_t k) const { return totals_.data() + k * whole_lines<T>(ring_); }

  // Reduces columns b ... b + width - 1 of group a. If the strip is the whole matrix, a block takes
  // many rows.
  void reduce_strip(const Run& run, int64_t a, int64_t b, int64_t width) const {
    for (size_t k = 0; k < this->count(); ++k) {
      std::fill_n(sums(k), ring_, this->combiner(k).identity);
      std::fill_n(totals(k), ring_, this->combiner(k).identity);
    }
    const bool whole = width == extent_.inner;
    const int64_t count = whole ? extent_.group() : extent_.length * width;
    const int64_t step = whole ? block_ : width, stride = whole ? block_ : extent_.inner;
    int64_t first = a * extent_.group() + b, passes = 0;
    for (int64_t done = 0; done < count; done += step, first += stride) {
      const int64_t n = std::min(step, count - done);
      program_.block(first, n);
      for (size_t k = 0; k < this->count(); ++k) {
        this->combiner(k).ring(program_.kept(k), n, ring_, sums(k));
      }
      passes += (n + ring_ - 1) / ring_;
      if (passes >= kPasses) flush(), passes = 0;
    }
    flush();
    for (size_t k = 0; k < this->count(); ++k) finish(run, k, a * extent_.inner + b, width);
  }

  void flush() const {
    for (size_t k = 0; k < this->count(); ++k) {
      this->combiner(k).sums(sums(k), ring_, totals(k));
      std::fill_n(sums(k), ring_, this->combiner(k).identity);
    }
  }

  // Folds the rows of the ring into one.
  void finish(const Run& run, size_t k, int64_t first, int64_t width) const {
    double* total = totals(k);
    for (int64_t at = strip_; at + strip_ <= ring_; at += strip_) {
      this->combiner(k).totals(total + at, strip_, total);
    }
    T* out = sums(k);
    for (int64_t i = 0; i < width; ++i) out[i] = static_cast<T>(total[i]);
    this->store(run, k, out, width, first);
  }

  int64_t strip_, ring_;
  Scratch<T> sums_;
  Scratch<double> totals_;
};

}  // namespace chainrule::CHAINRULE_ISA
