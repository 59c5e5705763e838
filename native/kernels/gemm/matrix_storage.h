#pragma once

#include <algorithm>

#include "kernels/factory.h"
#include "kernels/gemm/gemm_blocks.h"

namespace chainrule::CHAINRULE_ISA {

// Layout of the last two dimensions of an operand, as BLAS describes it.
struct Storage {
  int64_t leading;
  bool transposed;
};

// A dimension of size 1 has no meaningful stride, so either reading of such a matrix will do.
inline Storage storage(const Operand& matrix) {
  const int64_t rows = matrix.dim(-2), columns = matrix.dim(-1);
  if (matrix.elements() == 0) return {1, false};  // nothing is read of it
  if (columns == 1 || matrix.stride(-1) == 1) {
    const int64_t leading = rows == 1 ? columns : matrix.stride(-2);
    if (leading >= columns) return {std::max<int64_t>(leading, 1), false};
  }
  if (rows == 1 || matrix.stride(-2) == 1) {
    const int64_t leading = columns == 1 ? rows : matrix.stride(-1);
    if (leading >= rows) return {std::max<int64_t>(leading, 1), true};
  }
  throw PlanError("matmul: the last two dimensions of an operand are neither rows nor columns");
}

// The strides of a matrix that is the left side of a product, or else its right side.
inline Layout layout_of(const Storage& stored, bool left) {
  return stored.transposed == left ? Layout{stored.leading, 1} : Layout{1, stored.leading};
}

}  // namespace chainrule::CHAINRULE_ISA
