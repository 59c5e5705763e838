#pragma once

#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {

// sums[r][v] += row(r) * column(v). The loops must be unrolled for the sums to stay in registers.
// So do the rows or the columns, whichever are fewer; each of the others is loaded once, just
// before it is used. A row may be the same number in all lanes.
template <typename T, int kLanes, int kRows, int kColumns, typename Row, typename Column>
inline __attribute__((always_inline)) void add_products(
    typename VectorOf<T, kLanes>::type (&sums)[kRows][kColumns], Row row, Column column) {
  using Vector = typename VectorOf<T, kLanes>::type;
  if constexpr (kRows < kColumns) {
    decltype(row(0)) x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) x[r] = row(r);
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v) {
      Vector y = column(v);
      if constexpr (kRows > 1) y = hidden(y);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) sums[r][v] += x[r] * y;
    }
  } else {
    Vector y[kColumns];
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v) {
      y[v] = column(v);
      if constexpr (kRows > 1) y[v] = hidden(y[v]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto x = row(r);
#pragma GCC unroll 8
      for (int v = 0; v < kColumns; ++v) sums[r][v] += x * y[v];
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
