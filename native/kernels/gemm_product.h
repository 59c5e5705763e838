#pragma once

#include <cstring>

#include "gemm_blocks.h"
#include "gemm_pack.h"

namespace chainrule::CHAINRULE_ISA {

// One matrix of a product: the distance of its neighbours along k, and along the other dimension.
struct Layout {
  int64_t along, across;
};

// The product c[m, n] = a[m, k] b[k, n] on the tiles of conv_tile.h, where c has contiguous rows
// and a and b have contiguous rows or columns.
template <typename T>
class Product {
 public:
  Product(int64_t m, int64_t n, int64_t k, Layout a, Layout b)
      : blocks_(m, n, k, a.along == 1, b.along == 1),
        rows_(blocks_.turned ? b : a),
        columns_(blocks_.turned ? a : b),
        leading_(n) {}

  // Whether this beats the BLAS.
  bool worth() const { return blocks_.worth(); }

  // Elements that `run` needs to work with.
  int64_t workspace() const { return blocks_.workspace(); }

  void run(const T* a, const T* b, T* c, T* workspace) const {
    const T* rows = blocks_.turned ? b : a;
    const T* columns = blocks_.turned ? a : b;
    for (int64_t k = 0; k < blocks_.depth; k += blocks_.block_depth) {
      const int64_t depth = std::min(blocks_.block_depth, blocks_.depth - k);
      for (int64_t j = 0; j < blocks_.columns; j += blocks_.block_columns) {
        const int64_t width = std::min(blocks_.block_columns, blocks_.columns - j);
        const T* from = columns + k * columns_.along + j * columns_.across;
        const PanelBlock block{Panels<T>(width), from, workspace, depth};
        pack(block);
        T* to = c + (blocks_.turned ? j * leading_ : j);
        multiply(block, rows + k * rows_.along, k > 0, to, workspace + blocks_.panel_elements());
      }
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  // Sums of more terms are made of partial ones, which keeps their error small.
  static constexpr int64_t kTerms = 256;
  // A turned result's rows and columns that are put aside before they are stored.
  static constexpr int64_t kAside = 48, kAsideWidth = kMaxVectors * kLanes;
  static constexpr int64_t kStart[1] = {0};

  // Columns that are multiplied with all rows, over one stretch of k.
  struct PanelBlock {
    Panels<T> panels;
    const T* source;
    T* packed;
    int64_t depth;
  };
  // Some rows, and where their results go.
  struct RowBlock {
    const T* data;
    Layout layout;
    int64_t count;
    T* out;
    int64_t out_step;
  };

  void pack(const PanelBlock& block) const {
    const Panels<T>& panels = block.panels;
    for (int64_t i = 0; i < panels.count(); ++i) {
      const int64_t first = panels.first_column(i), width = panels.width(i);
      if (!packs(panels, i)) continue;
      const T* from = block.source + first * columns_.across;
      T* to = packed_at(block, i);
      if (!blocks_.panel_along) {
        for (int64_t k = 0; k < block.depth; ++k) {
          std::memcpy(to + k * width, from + k * columns_.along, panels.used(i) * sizeof(T));
        }
      } else if (width % kLanes == 0) {
        pack_transposed<T, kLanes>(from, columns_.across, panels.used(i), block.depth, to, width);
      } else {
        pack_transposed<T, kLanes / 2>(from, columns_.across, panels.used(i), block.depth, to,
                                       width);
      }
    }
  }

  bool packs(const Panels<T>& panels, int64_t i) const {
    return blocks_.packs_panel || panels.used(i) < panels.width(i);
  }

  // Without packing, the last panel is the only one that is packed.
  T* packed_at(const PanelBlock& block, int64_t i) const {
    const int64_t first = blocks_.packs_panel ? block.panels.first_column(i) : 0;
    return block.packed + first * block.depth;
  }

  Panel<T> panel_of(const PanelBlock& block, int64_t i) const {
    if (packs(block.panels, i)) return {packed_at(block, i), block.panels.width(i)};
    return block.panels.unpacked(i, block.source, columns_.along);
  }

  void multiply(const PanelBlock& block, const T* rows, bool add, T* out, T* packed_rows) const {
    const int64_t most = blocks_.turned ? kAside : GemmBlocks::kRows;
    for (int64_t i = 0; i < blocks_.rows; i += most) {
      const int64_t count = std::min(most, blocks_.rows - i);
      RowBlock part{rows + i * rows_.across, rows_, count, out + i * leading_, leading_};
      if (blocks_.packs_rows) {
        for (int64_t k = 0; k < block.depth; ++k) {
          std::memcpy(packed_rows + k * count, part.data + k * rows_.along, count * sizeof(T));
        }
        part.data = packed_rows;
        part.layout = {count, 1};
      }
      for (int64_t p = 0; p < block.panels.count(); ++p) {
        const int64_t first = block.panels.first_column(p);
        if (blocks_.turned) {
          multiply_turned(block, p, part, add, out + first * leading_ + i);
        } else {
          RowBlock at = part;
          at.out += first;
          multiply_panel(block, p, at, add, block.panels.used(p));
        }
      }
    }
  }

  void multiply_turned(const PanelBlock& block, int64_t p, const RowBlock& rows, bool add,
                       T* out) const {
    alignas(64) T aside[kAside * kAsideWidth];
    RowBlock part = rows;
    part.out = aside;
    part.out_step = kAsideWidth;
    multiply_panel(block, p, part, false, block.panels.width(p));
    const int64_t columns = block.panels.used(p);
    (add ? store_transposed<T, kLanes, true>
         : store_transposed<T, kLanes, false>)(aside, kAsideWidth, rows.count, columns, out,
                                               leading_);
  }

  void multiply_panel(const PanelBlock& block, int64_t p, const RowBlock& rows, bool add,
                      int64_t columns) const {
    const Panel<T> panel = panel_of(block, p);
    const auto each = [&](int64_t first, int64_t count, Tile<T> tile) {
      const T* x[kMaxRows];
      T* out[kMaxRows];
      for (int64_t i = 0; i < count; ++i) {
        x[i] = rows.data + (first + i) * rows.layout.across;
        out[i] = rows.out + (first + i) * rows.out_step;
      }
      if (block.depth <= kTerms) fetch(out, count, columns);
      for (int64_t k = 0; k < block.depth; k += kTerms) {
        const Walk walk{kStart, 1, std::min(kTerms, block.depth - k), rows.layout.along};
        const Panel<T> part{panel.data + k * panel.step, panel.step};
        (add || k > 0 ? tile.add : tile.set)(x, walk, part, out, columns);
        for (int64_t i = 0; i < count; ++i) x[i] += kTerms * rows.layout.along;
      }
    };
    block.panels.for_each_pair(p, rows.count, each);
  }

  // Asks for the results' cache lines ahead of a short sum, which would wait for them.
  static void fetch(T* const* out, int64_t count, int64_t columns) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < columns; j += 64 / sizeof(T)) __builtin_prefetch(out[i] + j, 1);
    }
  }

  GemmBlocks blocks_;
  Layout rows_, columns_;
  int64_t leading_;
};

}  // namespace chainrule::CHAINRULE_ISA
