#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {

// Blocking of a product c[m, n] = a[m, k] b[k, n] for tiles, which multiply the elements of some
// rows with the vectors of a panel of columns. `a_along` and `b_along` say which of a and b are
// contiguous along k.
//
// Rows are read in place, and so are panels whose vectors are contiguous; a product is turned, to
// b^T a^T = c^T, if that saves copies. The blocks are the same for all instruction sets, so that a
// plan fits all of them.
struct GemmBlocks {
  int64_t rows, columns, depth;  // of the product, turned if it is
  bool turned;
  bool panel_along, packs_panel, packs_rows;
  int64_t block_depth, block_columns;

  static constexpr int64_t kRows = 128;
  static constexpr int64_t kPanelElements = 131072;

  GemmBlocks(int64_t m, int64_t n, int64_t k, bool a_along, bool b_along) : depth(k) {
    // Compares the copies with and without the turn: a panel along k, and the turned result.
    const int64_t long_blocks = (k + kLongDepth - 1) / kLongDepth;
    turned = b_along && (!a_along || n * k > m * (k + n * long_blocks));
    rows = turned ? n : m;
    columns = turned ? m : n;
    panel_along = turned ? a_along : b_along;
    packs_rows = !turned && !a_along && rows >= 1024;
    // A panel whose rows are far apart is worth a copy if it is read often enough.
    packs_panel = panel_along || (rows >= 512 && columns >= 1024);
    block_depth = std::min(k, panel_along ? kLongDepth : packs_rows ? kDepth / 2 : kDepth);
    block_columns = packs_panel
                        ? std::min(padded(columns), kPanelElements / block_depth / kPanel * kPanel)
                        : columns;
  }

  // True if the tiles were measured to beat OpenBLAS on some instruction set: not if panels are
  // mostly padding, nor for small products, for which OpenBLAS needs no copies either.
  bool worth() const {
    const bool small = rows * columns * depth <= kSmall;
    return std::min({rows, columns, depth}) >= kVector && 4 * columns >= 3 * padded(columns) &&
           (panel_along || !small);
  }

  // True if they beat it on this one as well. With 16 registers, panels are too narrow to be read
  // from memory, and only the turn wins.
  bool worth_here() const { return worth() && (turned || kVectorBytes == 64); }

  // Elements of the packed panels. Without packing, only an incomplete last panel takes any.
  int64_t panel_elements() const {
    const bool partial = columns % kVector != 0;
    const int64_t width = packs_panel ? block_columns
                          : partial   ? std::min(padded(columns), kPanel)
                                      : 0;
    return block_depth * width;
  }
  int64_t workspace() const { return panel_elements() + (packs_rows ? block_depth * kRows : 0); }

 private:
  // The longest vector and panel of any instruction set.
  static constexpr int64_t kVector = 16, kPanel = 64;
  static constexpr int64_t kDepth = 512, kLongDepth = 1024;
  static constexpr int64_t kSmall = 1000000;

  static int64_t padded(int64_t columns) { return (columns + kVector - 1) / kVector * kVector; }
};

}  // namespace chainrule::CHAINRULE_ISA
