#pragma once

#include "kernels/scratch.h"
#include "kernels/vector/plane.h"

namespace chainrule::CHAINRULE_ISA {

template <typename T>
inline constexpr DType kDType = sizeof(T) == 8 ? DType::kFloat64 : DType::kFloat32;

// Delivers the elements of an operand, whatever its strides and dtype, as consecutive elements of
// type T.
template <typename T>
class OperandStream {
 public:
  OperandStream(const Operand& operand, int64_t block)
      : operand_(operand),
        axes_(joined_axes(operand)),
        total_(operand.elements()),
        read_(plane_reader<T>(operand.dtype)),
        in_place_(operand.dtype == kDType<T> && !axes_.empty() && axes_.back().stride == 1) {
    if (!axes_.empty()) {
      plane_.columns = axes_.back();
      if (axes_.size() > 1) plane_.rows = axes_[axes_.size() - 2];
    }
    if (repeats()) {
      period_ = total_ / axes_.front().size;
      cache_ = Scratch<T>(period_ + block + 2 * kLine<T>);
    } else if (plane_.transposed() && kPageRows * plane_.columns.size <= kMaxPage) {
      page_ = std::max(kPageRows * plane_.columns.size, block);
      cache_ = Scratch<T>(page_ + 2 * kLine<T>);
    }
    copy_ = Scratch<T>(period_ != 0 ? 0 : block + 2 * kLine<T>);
  }

  const Operand& operand() const { return operand_; }

  // Called once per run, before anything else.
  void start(const Run& run) {
    base_ = run.at<std::byte>(operand_);
    held_page_ = -1;
    if (period_ != 0) fill_period();
  }

  // The element of a scalar operand.
  T first() const {
    T line[2 * kLine<T>];
    read_(base_, 0, {{1, 0}, {1, 0}}, line);
    return line[0];
  }

  // Elements first ... first + n - 1. Readable up to whole lines, where the excess is undefined.
  T* fetch(int64_t first, int64_t n) {
    if (period_ != 0) return cache_.data() + first % period_;
    if (page_ != 0) return fetch_page(first, n);
    if (in_place_) {
      const int64_t size = plane_.columns.size;
      const int64_t row = axes_.size() == 1 ? 0 : first / size, column = first - row * size;
      if (column + whole_lines<T>(n) <= size) {
        return reinterpret_cast<T*>(base_) + row_offset(row) + column;
      }
    }
    read(first, n, copy_.data());
    return copy_.data();
  }

 private:
  static constexpr int64_t kMaxPeriod = 2048, kPageRows = 16, kMaxPage = 65536;

  // True if the operand is broadcast over its leading axes. Long periods are walked in place
  // instead, as most blocks do not reach their end.
  bool repeats() const {
    return total_ > 0 && axes_.size() > 1 && axes_.front().stride == 0 &&
           total_ / axes_.front().size <= kMaxPeriod;
  }

  // The period is continued for a block beyond its end, so that a block may start anywhere in it.
  void fill_period() {
    const int64_t size = std::min<int64_t>(total_, cache_.size() - 2 * kLine<T>);
    T* cache = cache_.data();
    read(0, period_, cache);
    for (int64_t filled = period_; filled < size;) {
      const int64_t n = std::min(filled, size - filled);
      std::copy_n(cache, n, cache + filled);
      filled += n;
    }
  }

  // Reads several rows of a transposed operand at once, and then serves them row by row.
  T* fetch_page(int64_t first, int64_t n) {
    const int64_t at = first % page_;
    if (at + n <= page_) return page(first / page_) + at;
    for (int64_t done = 0; done < n;) {
      const int64_t from = (first + done) % page_, count = std::min(n - done, page_ - from);
      std::copy_n(page((first + done) / page_) + from, count, copy_.data() + done);
      done += count;
    }
    return copy_.data();
  }

  T* page(int64_t number) {
    if (held_page_ != number) {
      read(number * page_, std::min(page_, total_ - number * page_), cache_.data());
      held_page_ = number;
    }
    return cache_.data();
  }

  // The offset at which the flattened row begins.
  int64_t row_offset(int64_t row) const {
    int64_t offset = 0;
    size_t i = axes_.size() - 1;
    for (; i-- > 1; row /= axes_[i].size) offset += row % axes_[i].size * axes_[i].stride;
    return axes_.size() > 1 ? offset + row * axes_[0].stride : offset;
  }

  // Splits a range of the flattened elements into planes: a part of a row, some whole rows, a part
  // of a row.
  void read(int64_t position, int64_t n, T* out) const {
    const Axis columns = plane_.columns;
    int64_t row = position / columns.size, column = position - row * columns.size;
    while (n > 0) {
      Plane plane{{1, 0}, {std::min(columns.size - column, n), columns.stride}};
      if (column == 0 && n > columns.size) {
        const int64_t left = axes_.size() == 2 ? n : plane_.rows.size - row % plane_.rows.size;
        plane.rows = {std::min(n / columns.size, left), plane_.rows.stride};
      }
      read_(base_, row_offset(row) + column * columns.stride, plane, out);
      const int64_t count = plane.rows.size * plane.columns.size;
      row += plane.rows.size, column = 0;
      out += count, n -= count;
    }
  }

  Operand operand_;
  std::vector<Axis> axes_;
  int64_t total_;
  PlaneReader<T> read_;
  bool in_place_;
  Plane plane_{{1, 0}, {1, 0}};
  int64_t period_ = 0, page_ = 0, held_page_ = -1;
  Scratch<T> cache_, copy_;
  std::byte* base_ = nullptr;
};

}  // namespace chainrule::CHAINRULE_ISA
