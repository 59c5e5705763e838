#pragma once

#include "simd.h"

namespace chainrule::CHAINRULE_ISA {

// to[i * to_step + j] = from[i + j * from_step] for i and j in 0..3, through registers.
template <typename T>
void transpose_square(const T* from, int64_t from_step, T* to, int64_t to_step) {
  using V = typename VectorOf<T, 4>::type;
  const auto load = [&](int j) { return *reinterpret_cast<const V*>(from + j * from_step); };
  const auto store = [&](int i, const V& row) { *reinterpret_cast<V*>(to + i * to_step) = row; };
  const V a = load(0), b = load(1), c = load(2), d = load(3);
  const V ab = {a[0], b[0], a[1], b[1]}, cd = {c[0], d[0], c[1], d[1]};
  store(0, V{ab[0], ab[1], cd[0], cd[1]});
  store(1, V{ab[2], ab[3], cd[2], cd[3]});
  const V ab_high = {a[2], b[2], a[3], b[3]}, cd_high = {c[2], d[2], c[3], d[3]};
  store(2, V{ab_high[0], ab_high[1], cd_high[0], cd_high[1]});
  store(3, V{ab_high[2], ab_high[3], cd_high[2], cd_high[3]});
}

// to[i * to_step + j] = from[i * row_step + j * column_step].
template <typename T>
void transpose(const T* from, int64_t row_step, int64_t column_step, int64_t rows, int64_t columns,
               T* to, int64_t to_step) {
  const int64_t whole_rows = row_step == 1 ? rows / 4 * 4 : 0, whole_columns = columns / 4 * 4;
  for (int64_t i = 0; i < whole_rows; i += 4) {
    for (int64_t j = 0; j < whole_columns; j += 4) {
      transpose_square(from + i + j * column_step, column_step, to + i * to_step + j, to_step);
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      to[i * to_step + j] = from[i * row_step + j * column_step];
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
