#pragma once

#include <utility>

#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {

// Interleaves the lanes of two vectors: `a` receives the first halves, `b` the second ones.
template <typename T, int kLanes, int... kLane>
inline void interleave(typename VectorOf<T, kLanes>::type& a, typename VectorOf<T, kLanes>::type& b,
                       std::integer_sequence<int, kLane...>) {
  using Vector = typename VectorOf<T, kLanes>::type;
  const Vector low = __builtin_shufflevector(a, b, (kLane % 2 * kLanes + kLane / 2)...);
  b = __builtin_shufflevector(a, b, (kLane % 2 * kLanes + (kLanes + kLane) / 2)...);
  a = low;
}

// Transposes a square block in registers. Interleaving the first half of its rows with the second
// half moves the highest bit of an element's row number into its lane number.
template <typename T, int kLanes>
inline void transpose(typename VectorOf<T, kLanes>::type (&block)[kLanes]) {
  using Vector = typename VectorOf<T, kLanes>::type;
#pragma GCC unroll 4
  for (int bit = 1; bit < kLanes; bit *= 2) {
    Vector next[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = block[i];
      next[2 * i + 1] = block[i + kLanes / 2];
      interleave<T, kLanes>(next[2 * i], next[2 * i + 1],
                            std::make_integer_sequence<int, kLanes>());
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) block[i] = next[i];
  }
}

// Loads a square block whose rows start `step` elements apart, and transposes it. Rows from `valid`
// on are not read: their lanes repeat the last valid row.
template <typename T, int kLanes>
inline void load_transposed(const T* source, int64_t step, int64_t valid,
                            typename VectorOf<T, kLanes>::type (&block)[kLanes]) {
#pragma GCC unroll 16
  for (int64_t i = 0; i < kLanes; ++i) {
    const int64_t row = i < valid ? i : valid - 1;
    block[i] = *reinterpret_cast<const typename VectorOf<T, kLanes>::type*>(source + row * step);
  }
  transpose<T, kLanes>(block);
}

}  // namespace chainrule::CHAINRULE_ISA
