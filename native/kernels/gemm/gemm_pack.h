#pragma once

#include <algorithm>

#include "kernels/gemm/gemm_tile.h"
#include "kernels/transpose_block.h"

// Copies between matrices and the blocks that the tiles of a product read and write.
namespace chainrule::CHAINRULE_ISA {

// packed[k * width + j] = source[j * step + k] for k < depth and j < columns. The lanes beyond the
// columns, up to whole vectors, are undefined.
template <typename T, int kLanes>
void pack_transposed(const T* source, int64_t step, int64_t columns, int64_t depth, T* packed,
                     int64_t width) {
  using Vector = typename VectorOf<T, kLanes>::type;
  for (int64_t j = 0; j < columns; j += kLanes) {
    const T* from = source + j * step;
    T* to = packed + j;
    const int64_t valid = std::min<int64_t>(columns - j, kLanes);
    if (depth < kLanes) {
      for (int64_t k = 0; k < depth; ++k) {
        for (int64_t i = 0; i < valid; ++i) to[k * width + i] = from[i * step + k];
      }
    }
    // The last block overlaps the one before it, so that it is whole.
    for (int64_t k = 0; k < depth && depth >= kLanes; k += kLanes) {
      const int64_t at = std::min(k, depth - kLanes);
      Vector block[kLanes];
      load_transposed<T, kLanes>(from + at, step, valid, block);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        *reinterpret_cast<Vector*>(to + (at + i) * width) = block[i];
      }
    }
  }
}

// target[j * target_step + i] = source[i * step + j] for i < rows and j <
// columns. The source must be readable in whole vectors.
template <typename T, int kLanes>
void store_transposed(const T* source, int64_t step, int64_t rows, int64_t columns, T* target,
                      int64_t target_step) {
  using Vector = typename VectorOf<T, kLanes>::type;
  for (int64_t i = 0; i < rows; i += kLanes) {
    const int64_t across = std::min<int64_t>(rows - i, kLanes);
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t down = std::min<int64_t>(columns - j, kLanes);
      T* to = target + j * target_step + i;
      Vector block[kLanes];
      load_transposed<T, kLanes>(source + i * step + j, step, across, block);
      for (int64_t p = 0; p < down; ++p, to += target_step) {
        if (across == kLanes) {
          store<false, kLanes>(block[p], to);
        } else {
          T values[kLanes];
          store<false, kLanes>(block[p], values);
          store_part<false, kLanes / 2>(values, to, across);
        }
      }
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
