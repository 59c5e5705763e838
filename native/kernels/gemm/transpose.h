#pragma once

#include "kernels/gemm/gemm_transpose.h"

namespace chainrule::CHAINRULE_ISA {

// to[i * to_step + j] = from[i * row_step + j * column_step].
template <typename T>
void transpose(const T* from, int64_t row_step, int64_t column_step, int64_t rows, int64_t columns,
               T* to, int64_t to_step) {
  using Vector = typename VectorOf<T, 4>::type;
  const int64_t whole_rows = row_step == 1 ? rows / 4 * 4 : 0, whole_columns = columns / 4 * 4;
  for (int64_t i = 0; i < whole_rows; i += 4) {
    for (int64_t j = 0; j < whole_columns; j += 4) {
      Vector block[4];
      load_transposed<T, 4>(from + i + j * column_step, column_step, 4, block);
      for (int64_t k = 0; k < 4; ++k) {
        *reinterpret_cast<Vector*>(to + (i + k) * to_step + j) = block[k];
      }
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      to[i * to_step + j] = from[i * row_step + j * column_step];
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
