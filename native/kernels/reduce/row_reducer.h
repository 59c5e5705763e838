#pragma once

#include <numeric>

#include "kernels/reduce/reducer.h"

namespace chainrule::CHAINRULE_ISA {

// Up to this size, several groups [length, inner] share a block; above it, a group takes many
// blocks.
inline constexpr int64_t kMaxGroup = kMaxShortRow;

// Reduces many small groups.
template <typename T>
class GroupReducer final : public Reducer<T> {
  using Base = Reducer<T>;
  using Base::block_, Base::extent_, Base::program_;

 public:
  GroupReducer(const StepReader& step, const Extent& extent, typename Base::Reductions reductions)
      : Base(step, extent, std::move(reductions), block_size(extent)),
        totals_(2 * block_ + 2 * kLine<T>) {}

  void run(const Run& run) const override {
    if (extent_.group() == 0) return fill(run);
    const int64_t groups = block_ / extent_.group();
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; a += groups) {
      const int64_t n = std::min(groups, extent_.outer - a);
      program_.block(a * extent_.group(), n * extent_.group());
      for (size_t k = 0; k < this->count(); ++k) {
        this->combiner(k).groups(program_.kept(k), n, extent_, totals_.data());
        this->store(run, k, totals_.data(), n * extent_.inner, a * extent_.inner);
      }
    }
  }

 private:
  static constexpr int64_t kBlock = 1024;

  // Whole groups, and whole lines unless that takes too many groups.
  static int64_t block_size(const Extent& extent) {
    const int64_t group = std::max<int64_t>(extent.group(), 1);
    const int64_t lines = std::lcm(group, kLine<T>);
    const int64_t unit = lines <= kBlock ? lines : group;
    return unit * std::max<int64_t>(kBlock / unit, 1);
  }

  // Stores identities, as there is nothing to reduce.
  void fill(const Run& run) const {
    const int64_t elements = extent_.outer * extent_.inner;
    for (size_t k = 0; k < this->count(); ++k) {
      std::fill_n(totals_.data(), totals_.size(), this->combiner(k).identity);
      for (int64_t first = 0; first < elements; first += totals_.size()) {
        this->store(run, k, totals_.data(), std::min(totals_.size(), elements - first), first);
      }
    }
  }

  Scratch<T> totals_;
};

// Reduces long contiguous rows.
template <typename T>
class RowReducer final : public Reducer<T> {
  using Base = Reducer<T>;
  using Base::block_, Base::extent_, Base::program_;

 public:
  RowReducer(const StepReader& step, const Extent& extent, typename Base::Reductions reductions)
      : Base(step, extent, std::move(reductions), kBlock), totals_(this->count()) {}

  void run(const Run& run) const override {
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; ++a) {
      reduce_row(a * extent_.length);
      for (size_t k = 0; k < this->count(); ++k) {
        const T total = static_cast<T>(totals_.data()[k]);
        this->store(run, k, &total, 1, a);
      }
    }
  }

 private:
  static constexpr int64_t kBlock = 512;

  // Accumulates in double from block to block, so that the error does not grow with the length.
  void reduce_row(int64_t first) const {
    double* totals = totals_.data();
    for (size_t k = 0; k < this->count(); ++k) totals[k] = this->combiner(k).identity;
    for (int64_t r = 0; r < extent_.length; r += block_) {
      const int64_t n = std::min(block_, extent_.length - r);
      program_.block(first + r, n);
      for (size_t k = 0; k < this->count(); ++k) {
        this->combiner(k).row(program_.kept(k), n, totals + k);
      }
    }
  }

  Scratch<double> totals_;
};

}  // namespace chainrule::CHAINRULE_ISA
