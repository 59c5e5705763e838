#pragma once

#include <algorithm>
#include <cstring>

#include "instructions.h"
#include "scratch.h"

namespace chainrule::CHAINRULE_ISA {

struct Axis {
  int64_t size, stride;  // elements
};

// The axes that are left when those of size 1 go, and neighbours that memory walks as one are
// joined.
inline std::vector<Axis> joined_axes(const Operand& operand) {
  std::vector<Axis> axes;
  for (int64_t i = 0; i < operand.rank(); ++i) {
    const Axis axis{operand.shape[i], operand.strides[i]};
    if (axis.size == 1) continue;
    if (!axes.empty() && axes.back().stride == axis.size * axis.stride) {
      axes.back() = {axes.back().size * axis.size, axis.stride};
    } else {
      axes.push_back(axis);
    }
  }
  return axes;
}

// A rectangle in memory: `columns` is the axis that changes fastest.
struct Plane {
  Axis rows, columns;
};

// Fills a row of equal elements by whole lines. What it writes beyond the row, the next row
// overwrites.
template <typename T>
inline void splat(T* out, int64_t n, T value) {
  for (int64_t i = 0; i < n; i += kLine<T>) {
    for (int64_t j = 0; j < kLine<T>; ++j) out[i + j] = value;
  }
}

// Reads a plane of type S at an element offset into consecutive elements of type T, which have room
// for a line more.
template <typename T, typename S>
void read_plane(const std::byte* base, int64_t offset, const Plane& plane, T* out) {
  const S* row = reinterpret_cast<const S*>(base) + offset;
  const auto [size, stride] = plane.columns;
  for (int64_t r = 0; r < plane.rows.size; ++r, row += plane.rows.stride, out += size) {
    if (stride == 0) {
      splat(out, size, static_cast<T>(*row));
    } else if (stride == 1) {
      for (int64_t c = 0; c < size; ++c) out[c] = static_cast<T>(row[c]);
    } else {
      for (int64_t c = 0; c < size; ++c) out[c] = static_cast<T>(row[c * stride]);
    }
  }
}

template <typename T>
using PlaneReader = void (*)(const std::byte*, int64_t, const Plane&, T*);

template <typename T>
PlaneReader<T> plane_reader(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return read_plane<T, float>;
    case DType::kFloat64:
      return read_plane<T, double>;
    case DType::kInt32:
      return read_plane<T, int32_t>;
    default:
      return read_plane<T, uint8_t>;
  }
}

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
    if (repeats()) {
      period_ = total_ / axes_.front().size;
      tile_ = Scratch<T>(period_ + block + 2 * kLine<T>);
    } else {
      copy_ = Scratch<T>(block + 2 * kLine<T>);
    }
  }

  const Operand& operand() const { return operand_; }

  // One element for all.
  bool scalar() const {
    return std::all_of(axes_.begin(), axes_.end(), [](Axis axis) { return axis.stride == 0; });
  }

  // Called once a run, before anything else.
  void start(const Run& run) {
    base_ = run.at<std::byte>(operand_);
    if (period_ != 0) fill_tile();
  }

  T first() const {
    T line[2 * kLine<T>];
    read_(base_, 0, {{1, 0}, {1, 0}}, line);
    return line[0];
  }

  // Elements first ... first + n - 1. Readable up to whole lines, but the excess means nothing.
  T* fetch(int64_t first, int64_t n) {
    if (period_ != 0) return tile_.data() + first % period_;
    if (in_place_) {
      const int64_t size = axes_.back().size;
      const int64_t column = axes_.size() == 1 ? first : first % size;
      if (column + whole_lines<T>(n) <= size) {
        return reinterpret_cast<T*>(base_) + offset_of(first);
      }
    }
    read(first, n, copy_.data());
    return copy_.data();
  }

 private:
  static constexpr int64_t kMaxPeriod = 2048;

  // Broadcast over the leading axes. Long periods are walked in place instead, as most blocks do
  // not meet their end.
  bool repeats() const {
    return total_ > 0 && axes_.size() > 1 && axes_.front().stride == 0 &&
           total_ / axes_.front().size <= kMaxPeriod;
  }

  // The tile goes on for a block beyond its period, so that a block may start anywhere in it.
  void fill_tile() {
    const int64_t size = std::min<int64_t>(total_, tile_.size() - 2 * kLine<T>);
    T* tile = tile_.data();
    read(0, period_, tile);
    for (int64_t filled = period_; filled < size;) {
      const int64_t n = std::min(filled, size - filled);
      std::copy_n(tile, n, tile + filled);
      filled += n;
    }
  }

  int64_t offset_of(int64_t position) const {
    if (axes_.size() == 1) return position * axes_.front().stride;
    int64_t offset = 0;
    for (size_t i = axes_.size(); i-- > 0;) {
      offset += position % axes_[i].size * axes_[i].stride;
      position /= axes_[i].size;
    }
    return offset;
  }

  // Cuts a stretch of the flattened elements into planes: a part of a row, some whole rows, a part
  // of a row.
  void read(int64_t position, int64_t n, T* out) const {
    const Axis columns = axes_.back();
    const Axis rows = axes_.size() > 1 ? axes_[axes_.size() - 2] : Axis{1, 0};
    while (n > 0) {
      const int64_t row = position / columns.size, column = position - row * columns.size;
      Plane plane{{1, 0}, {std::min(columns.size - column, n), columns.stride}};
      if (column == 0 && n > columns.size) {
        plane.rows = {std::min(n / columns.size, rows.size - row % rows.size), rows.stride};
      }
      read_(base_, offset_of(position), plane, out);
      const int64_t count = plane.rows.size * plane.columns.size;
      position += count, out += count, n -= count;
    }
  }

  Operand operand_;
  std::vector<Axis> axes_;
  int64_t total_;
  PlaneReader<T> read_;
  bool in_place_;
  int64_t period_ = 0;
  Scratch<T> tile_, copy_;
  std::byte* base_ = nullptr;
};

}  // namespace chainrule::CHAINRULE_ISA
