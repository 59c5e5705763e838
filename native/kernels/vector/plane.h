#pragma once

#include <algorithm>

#include "kernels/vector/instructions.h"

// Locations of an operand's elements, and loops that gather them.
namespace chainrule::CHAINRULE_ISA {

struct Axis {
  int64_t size, stride;  // elements
};

// The axes of an operand without those of size 1, and with adjacent ones joined if memory walks
// them as one.
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

// True if an operand is one element for all.
inline bool scalar(const Operand& operand) {
  const std::vector<Axis> axes = joined_axes(operand);
  return std::all_of(axes.begin(), axes.end(), [](Axis axis) { return axis.stride == 0; });
}

// A rectangle in memory: `columns` is the axis that changes fastest.
struct Plane {
  Axis rows, columns;

  bool transposed() const { return rows.stride == 1 && columns.stride > 1; }
};

// Fills a row with one value in whole lines. The next row overwrites the excess.
template <typename T>
inline void splat(T* out, int64_t n, T value) {
  for (int64_t i = 0; i < n; i += kLine<T>) {
    for (int64_t j = 0; j < kLine<T>; ++j) out[i + j] = value;
  }
}

// Reads a plane whose rows have the finer step in memory, in squares: each cache line is used up
// while it is cached.
template <typename T, typename S>
void read_transposed(const S* in, const Plane& plane, T* out) {
  constexpr int64_t kTile = 16;
  const auto [rows, columns] = plane;
  for (int64_t r0 = 0; r0 < rows.size; r0 += kTile) {
    const int64_t r1 = std::min(r0 + kTile, rows.size);
    for (int64_t c0 = 0; c0 < columns.size; c0 += kTile) {
      const int64_t c1 = std::min(c0 + kTile, columns.size);
      for (int64_t r = r0; r < r1; ++r) {
        T* to = out + r * columns.size;
        for (int64_t c = c0; c < c1; ++c) to[c] = static_cast<T>(in[c * columns.stride + r]);
      }
    }
  }
}

// Reads a plane of type S at an element offset into consecutive elements of type T, which have room
// for a line more.
template <typename T, typename S>
void read_plane(const std::byte* base, int64_t offset, const Plane& plane, T* out) {
  const S* row = reinterpret_cast<const S*>(base) + offset;
  const auto [size, stride] = plane.columns;
  if (plane.transposed() && plane.rows.size > 1) return read_transposed(row, plane, out);
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

}  // namespace chainrule::CHAINRULE_ISA
