#pragma once

#include <numeric>

#include "combine_rows.h"
#include "reducer.h"

namespace chainrule::CHAINRULE_ISA {

// Up to this size, some groups [length, inner] share a block; above it, a group takes many blocks.
inline constexpr int64_t kMaxGroup = kMaxShortRow;

// Reduces many small groups.
template <class Operation, typename T>
class GroupReducer final : public Reducer<Operation, T> {
  using Base = Reducer<Operation, T>;
  using Base::block_, Base::extent_, Base::kIdentity, Base::program_;

 public:
  GroupReducer(const StepReader& step, const Extent& extent)
      : Base(step, extent, block_size(extent)), totals_(2 * block_ + 2 * kLine<T>) {}

  void run(const Run& run) const override {
    if (extent_.group() == 0) return fill(run);
    const int64_t groups = block_ / extent_.group();
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; a += groups) {
      const int64_t n = std::min(groups, extent_.outer - a);
      const T* values = program_.block(a * extent_.group(), n * extent_.group());
      reduce_groups(values, n);
      this->store(run, totals_.data(), n * extent_.inner, a * extent_.inner);
    }
  }

 private:
  static constexpr int64_t kBlock = 1024;

  // Whole groups, and whole lines where that does not take too many groups.
  static int64_t block_size(const Extent& extent) {
    const int64_t group = std::max<int64_t>(extent.group(), 1);
    const int64_t lines = std::lcm(group, kLine<T>);
    const int64_t unit = lines <= kBlock ? lines : group;
    return unit * std::max<int64_t>(kBlock / unit, 1);
  }

  void reduce_groups(const T* values, int64_t groups) const {
    if (extent_.inner == 1) {
      combine_rows<Operation>(values, groups, extent_.length, totals_.data());
      return;
    }
    for (int64_t g = 0; g < groups; ++g, values += extent_.group()) {
      T* totals = totals_.data() + g * extent_.inner;
      std::copy_n(values, extent_.inner, totals);
      for (int64_t r = 1; r < extent_.length; ++r) {
        combine_into<Operation>(totals, values + r * extent_.inner, extent_.inner);
      }
    }
  }

  // Nothing to reduce.
  void fill(const Run& run) const {
    std::fill_n(totals_.data(), totals_.size(), kIdentity);
    const int64_t elements = extent_.outer * extent_.inner;
    for (int64_t first = 0; first < elements; first += totals_.size()) {
      this->store(run, totals_.data(), std::min(totals_.size(), elements - first), first);
    }
  }

  Scratch<T> totals_;
};

// Reduces long contiguous rows.
template <class Operation, typename T>
class RowReducer final : public Reducer<Operation, T> {
  using Base = Reducer<Operation, T>;
  using Base::block_, Base::extent_, Base::program_;

 public:
  RowReducer(const StepReader& step, const Extent& extent) : Base(step, extent, kBlock) {}

  void run(const Run& run) const override {
    program_.start(run);
    for (int64_t a = 0; a < extent_.outer; ++a) {
      const T total = static_cast<T>(reduce_row(a * extent_.length));
      this->store(run, &total, 1, a);
    }
  }

 private:
  static constexpr int64_t kBlock = 512;

  // In double from block to block, so that the error does not grow with the length.
  double reduce_row(int64_t first) const {
    double total = Operation::template identity<double>();
    for (int64_t r = 0; r < extent_.length; r += block_) {
      const int64_t n = std::min(block_, extent_.length - r);
      const T* values = program_.block(first + r, n);
      Operation::combine(total, static_cast<double>(combine_row<Operation>(values, n)));
    }
    return total;
  }
};

}  // namespace chainrule::CHAINRULE_ISA
