#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {

// One matrix of a product: its strides along k and along the other dimension.
struct Layout {
  int64_t along, across;
};

// Blocking of a product c[m, n] = a[m, k] b[k, n] for tiles, which multiply the elements of some
// rows with the vectors of a panel of columns. A layout gives the distance of neighbours along k
// and across it.
//
// Rows are read in place, and so are panels whose vectors are contiguous, unless they are so far
// apart that they would share few sets of a cache and take a page each. A product is turned, to
// b^T a^T = c^T, if that saves copies or fills the vectors.
struct GemmBlocks {
  int64_t rows, columns, depth;  // of the product, turned if it is
  bool narrow;  // columns that leave vectors empty, and enough rows to take their place
  bool turned;
  bool panel_along, packs_panel, packs_rows;
  int64_t block_depth, block_columns;

  static constexpr int64_t kRows = 128;
  static constexpr int64_t kPanelElements = 131072;
  // Rows from which on a copy of a panel pays.
  static constexpr int64_t kOften = 29;

  GemmBlocks(int64_t m, int64_t n, int64_t k, Layout a, Layout b) : depth(k) {
    const bool a_along = a.along == 1, b_along = b.along == 1;
    narrow = !b_along &&
             (n < kVector ? m >= kVector : m >= 2 * kVector && 4 * n <= 3 * padded_columns(n));
    // Else compares the copies with and without the turn: a panel along k, and the turned result.
    // With b along k, there are fewer than kLongLanes terms.
    turned = narrow ? k <= kDepth : b_along && m >= kVector && (!a_along || n * k > m * (k + n));
    rows = turned ? n : m;
    columns = turned ? m : n;
    panel_along = turned ? a_along : b_along;
    const int64_t step = (turned ? a : b).along;
    packs_rows = !turned && !a_along && a.along >= kFar && columns >= kPanel;
    packs_panel = panel_along || (rows >= kOften && (step >= kFar || kRegisters == 16));
    block_depth = std::min(k, packs_rows ? kDepth / 2 : kDepth);
    block_columns = may_pack() ? std::min(padded_columns(columns),
                                          kPanelElements / block_depth / kPanel * kPanel)
                               : columns;
  }

  // Elements of the packed panels, for any instruction set. Without packing, only an incomplete
  // last panel takes any.
  int64_t panel_elements() const {
    const bool partial = columns % kVector != 0;
    const int64_t width = may_pack() ? block_columns
                          : partial  ? std::min(padded_columns(columns), kPanel)
                                     : 0;
    return block_depth * width;
  }
  int64_t workspace() const { return panel_elements() + (packs_rows ? block_depth * kRows : 0); }

 private:
  // The longest vector and panel of any instruction set.
  static constexpr int64_t kVector = kLongestVector, kPanel = 64;
  static constexpr int64_t kDepth = 512;
  // The distance of rows from which on a copy of a panel pays.
  static constexpr int64_t kFar = 512;

  bool may_pack() const { return panel_along || rows >= kOften; }
};

}  // namespace chainrule::CHAINRULE_ISA
