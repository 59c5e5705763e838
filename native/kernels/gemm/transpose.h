#pragma once

#include <algorithm>

#include "kernels/transpose_block.h"

namespace chainrule::CHAINRULE_ISA {

// to[i * to_step + j] = from[i * row_step + j * column_step]. The last blocks overlap those before.
template <typename T>
void transpose(const T* from, int64_t row_step, int64_t column_step, int64_t rows, int64_t columns,
               T* to, int64_t to_step) {
  using Vector = typename VectorOf<T, 4>::type;
  if (row_step != 1 || rows < 4 || columns < 4) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        to[i * to_step + j] = from[i * row_step + j * column_step];
      }
    }
    return;
  }
  for (int64_t first = 0; first < rows; first += 4) {
    const int64_t i = std::min(first, rows - 4);
    for (int64_t second = 0; second < columns; second += 4) {
      const int64_t j = std::min(second, columns - 4);
      Vector block[4];
      load_transposed<T, 4>(from + i + j * column_step, column_step, 4, block);
      for (int64_t k = 0; k < 4; ++k) {
        *reinterpret_cast<Vector*>(to + (i + k) * to_step + j) = block[k];
      }
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
