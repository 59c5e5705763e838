#pragma once

#include <array>
#include <cstring>
#include <span>

#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_order.h"
#include "kernels/gemm/gemm_pack.h"
#include "kernels/gemm/gemm_prefetch.h"
#include "sync/abort.h"
#include "sync/combine.h"

namespace chainrule::CHAINRULE_ISA {

// The product c[m, n] = a[m, k] b[k, n] on the tiles of gemm_tile.h, where c has contiguous rows
// and a and b have contiguous rows or columns. `run` needs the workspace of the blocks.
template <typename T>
class Product {
 public:
  Product(const GemmBlocks& blocks, Layout a, Layout b)
      : blocks_(blocks),
        rows_(blocks.turned ? b : a),
        columns_(blocks.turned ? a : b),
        leading_(blocks.turned ? blocks.rows : blocks.columns) {}

  // True if each result is one sum in registers, so that sums of products have the same bits if
  // they are made in registers as well.
  bool is_simple() const { return !blocks_.turned && blocks_.depth <= kTerms; }

  // One of the products that are summed, with its own workspace.
  struct Term {
    const T *a, *b;
    T* workspace;
  };

  // c = the sum of the products in the order of a postfix program (see sync/combine.h). Requires
  // is_simple(). Works tile by tile, so that c is written only once.
  void run_sum(std::span<const Term> terms, std::span<const int32_t> program, T* c) const {
    std::array<RowBlock, kMaxTogether> parts;
    const bool streamed = streams(c);
    const auto count_of_terms = static_cast<int64_t>(terms.size());
    AbortCheck check;
    for (int64_t j = 0; j < blocks_.columns; j += blocks_.block_columns) {
      const Panels<T> panels(std::min(blocks_.block_columns, blocks_.columns - j));
      const auto block_of = [&](const Term& term) {
        const T* from = term.b + j * columns_.across;
        return PanelBlock{panels, from, term.workspace, blocks_.depth};
      };
      for (const Term& term : terms) pack(block_of(term));
      for (int64_t i = 0; i < blocks_.rows; i += GemmBlocks::kRows) {
        const int64_t count = std::min(GemmBlocks::kRows, blocks_.rows - i);
        for (size_t t = 0; t < terms.size(); ++t) {
          T* packed = terms[t].workspace + blocks_.panel_elements();
          parts[t] = row_block(terms[t].a + i * rows_.across, count, blocks_.depth, packed);
        }
        for (int64_t p = 0; p < panels.count(); ++p) {
          panels.for_each_pair(p, count, [&](int64_t first, int64_t rows, const Tile<T>& tile) {
            T* to = c + (i + first) * leading_ + j + panels.first_column(p);
            const int64_t columns = panels.used(p);
            const bool past_caches = streamed && columns % kLanes == 0;
            if (!past_caches) fetch_results(to, leading_, rows, columns);
            const auto multiply = [&](int32_t t, TileFunction<T> function, T* out, int64_t step) {
              const T* x[kMaxRows];
              T* y[kMaxRows];
              for (int64_t r = 0; r < rows; ++r) {
                x[r] = parts[t].data + (first + r) * parts[t].layout.across;
                y[r] = out + r * step;
              }
              const Walk walk{kStart, 1, blocks_.depth, parts[t].layout.along};
              function(x, walk, panel_of(block_of(terms[t]), p), y, columns);
            };
            if (past_caches) {
              alignas(64) T aside[kMaxRows * kAsideWidth];
              add_tiles(program, tile, rows, columns, {aside, kAsideWidth}, multiply);
              stream_rows(aside, rows, columns, to);
            } else {
              add_tiles(program, tile, rows, columns, {to, leading_}, multiply);
            }
          });
          check.after(product_work(count, panels.width(p), blocks_.depth) * count_of_terms);
        }
      }
    }
    if (streamed) settle_streams();
  }

  void run(const T* a, const T* b, T* c, T* workspace) const {
    const T* rows = blocks_.turned ? b : a;
    const T* columns = blocks_.turned ? a : b;
    AbortCheck check;
    for (int64_t k = 0; k < blocks_.depth; k += blocks_.block_depth) {
      const int64_t depth = std::min(blocks_.block_depth, blocks_.depth - k);
      for (int64_t j = 0; j < blocks_.columns; j += blocks_.block_columns) {
        const int64_t width = std::min(blocks_.block_columns, blocks_.columns - j);
        const T* from = columns + k * columns_.along + j * columns_.across;
        const PanelBlock block{Panels<T>(width), from, workspace, depth};
        pack(block);
        T* to = c + (blocks_.turned ? j * leading_ : j);
        multiply(block, rows + k * rows_.along, k > 0, to, workspace + blocks_.panel_elements(),
                 check);
      }
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  // Rows and columns of a turned result that are buffered before they are stored.
  static constexpr int64_t kAside = 48, kAsideWidth = kMaxVectors * kLanes;
  static constexpr int64_t kStart[1] = {0};
  // Rows that are packed together.
  static constexpr int64_t kStrip = 8;
  // Results of at least this many elements bypass the caches.
  static constexpr int64_t kStreamed = 1 << 20;

  // Destination of a tile's rows.
  struct Target {
    T* data;
    int64_t step;
  };

  // Columns that are multiplied with all rows, over one stretch of k.
  struct PanelBlock {
    Panels<T> panels;
    const T* source;
    T* packed;
    int64_t depth;
  };
  // Some rows, and the destination of their results.
  struct RowBlock {
    const T* data;
    Layout layout;
    int64_t count;
    T* out;
    int64_t out_step;
  };

  void pack(const PanelBlock& block) const {
    const Panels<T>& panels = block.panels;
    if (!blocks_.panel_along) {
      // Rows that are multiples of a page apart share so few sets of a cache that only some of
      // them stay there until all panels have taken their parts.
      for (int64_t k = 0; k < block.depth; k += kStrip) {
        for (int64_t i = 0; i < panels.count(); ++i) {
          if (packs(panels, i)) pack_strip(block, i, k, std::min(kStrip, block.depth - k));
        }
      }
      return;
    }
    for (int64_t i = 0; i < panels.count(); ++i) {
      const int64_t first = panels.first_column(i), width = panels.width(i);
      if (!packs(panels, i)) continue;
      const T* from = block.source + first * columns_.across;
      T* to = packed_at(block, i);
      if (width % kLanes == 0) {
        pack_transposed<T, kLanes>(from, columns_.across, panels.used(i), block.depth, to, width);
      } else {
        pack_transposed<T, kLanes / 2>(from, columns_.across, panels.used(i), block.depth, to,
                                       width);
      }
    }
  }

  // Copies a panel's part of `rows` contiguous rows, from row k on.
  void pack_strip(const PanelBlock& block, int64_t panel, int64_t k, int64_t rows) const {
    using Vector = typename VectorOf<T, kLanes>::type;
    const Panels<T>& panels = block.panels;
    const int64_t width = panels.width(panel), used = panels.used(panel);
    const T* from = block.source + k * columns_.along + panels.first_column(panel);
    T* to = packed_at(block, panel) + k * width;
    for (int64_t r = 0; r < rows; ++r, from += columns_.along, to += width) {
      if (used % kLanes == 0) {
        for (int64_t v = 0; v < used; v += kLanes) {
          *reinterpret_cast<Vector*>(to + v) = *reinterpret_cast<const Vector*>(from + v);
        }
      } else {
        std::memcpy(to, from, used * sizeof(T));
      }
    }
  }

  bool packs(const Panels<T>& panels, int64_t i) const {
    return blocks_.packs_panel || panels.used(i) < panels.width(i);
  }

  // Without packing, only an incomplete last panel is copied.
  T* packed_at(const PanelBlock& block, int64_t i) const {
    const int64_t first = blocks_.packs_panel ? block.panels.first_column(i) : 0;
    return block.packed + first * block.depth;
  }

  Panel<T> panel_of(const PanelBlock& block, int64_t i) const {
    if (packs(block.panels, i)) return {packed_at(block, i), block.panels.width(i)};
    return block.panels.unpacked(i, block.source, columns_.along);
  }

  void multiply(const PanelBlock& block, const T* rows, bool add, T* out, T* packed_rows,
                AbortCheck& check) const {
    const int64_t most = blocks_.turned ? kAside : GemmBlocks::kRows;
    for (int64_t i = 0; i < blocks_.rows; i += most) {
      const int64_t count = std::min(most, blocks_.rows - i);
      RowBlock part = row_block(rows + i * rows_.across, count, block.depth, packed_rows);
      part.out = out + i * leading_;
      part.out_step = leading_;
      for (int64_t p = 0; p < block.panels.count(); ++p) {
        const int64_t first = block.panels.first_column(p);
        if (blocks_.turned) {
          multiply_turned(block, p, part, out + first * leading_ + i);
        } else {
          RowBlock at = part;
          at.out += first;
          multiply_panel(block, p, at, add, block.panels.used(p));
        }
        check.after(product_work(count, block.panels.width(p), block.depth));
      }
    }
  }

  RowBlock row_block(const T* rows, int64_t count, int64_t depth, T* packed) const {
    if (!blocks_.packs_rows) return {rows, rows_, count, nullptr, 0};
    for (int64_t k = 0; k < depth; ++k) {
      std::memcpy(packed + k * count, rows + k * rows_.along, count * sizeof(T));
    }
    return {packed, {count, 1}, count, nullptr, 0};
  }

  // Runs the program on a stack of tiles, the first of which is the result itself. A product that
  // is added right away goes into the tile below, and is never stored by itself.
  template <typename Multiply>
  void add_tiles(std::span<const int32_t> program, const Tile<T>& tile, int64_t rows,
                 int64_t columns, const Target& result, Multiply multiply) const {
    alignas(64) T aside[kMaxTileDepth - 1][kMaxRows * kAsideWidth];
    const auto at = [&](size_t depth) { return depth == 0 ? result.data : aside[depth - 1]; };
    const auto step = [&](size_t depth) { return depth == 0 ? result.step : kAsideWidth; };
    size_t depth = 0;
    for (size_t w = 0; w < program.size(); ++w) {
      if (program[w] == kAdd) {
        --depth;
        for (int64_t r = 0; r < rows; ++r) {
          T* const to = at(depth - 1) + r * step(depth - 1);
          const T* const from = at(depth) + r * step(depth);
          for (int64_t v = 0; v < columns; ++v) to[v] += from[v];
        }
      } else if (w + 1 < program.size() && program[w + 1] == kAdd) {
        multiply(program[w++], tile.add, at(depth - 1), step(depth - 1));
      } else {
        multiply(program[w], tile.set, at(depth), step(depth));
        ++depth;
      }
    }
  }

  // For all terms at once, as there are few.
  void multiply_turned(const PanelBlock& block, int64_t p, const RowBlock& rows, T* out) const {
    alignas(64) T aside[kAside * kAsideWidth];
    RowBlock part = rows;
    part.out = aside;
    part.out_step = kAsideWidth;
    multiply_panel(block, p, part, false, block.panels.width(p));
    store_transposed<T, kLanes>(aside, kAsideWidth, rows.count, block.panels.used(p), out,
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
      // A short sum would wait for them.
      if (block.depth <= kTerms) fetch_results(out[0], rows.out_step, count, columns);
      for (int64_t k = 0; k < block.depth; k += kTerms) {
        const Walk walk{kStart, 1, std::min(kTerms, block.depth - k), rows.layout.along};
        const Panel<T> part{panel.data + k * panel.step, panel.step};
        (add || k > 0 ? tile.add : tile.set)(x, walk, part, out, columns);
        for (int64_t i = 0; i < count; ++i) x[i] += kTerms * rows.layout.along;
      }
    };
    block.panels.for_each_pair(p, rows.count, each);
  }

  // True if a result is larger than the caches can keep until it is read: it then bypasses them.
  // Its rows must start at whole lines.
  bool streams(const T* c) const {
    constexpr int64_t kLine = 64 / sizeof(T);
    return kVectorBytes == 64 && leading_ % kLine == 0 &&
           reinterpret_cast<uintptr_t>(c) % 64 == 0 && blocks_.rows * blocks_.columns >= kStreamed;
  }

  void stream_rows(const T* aside, int64_t rows, int64_t columns, T* to) const {
    using Vector = typename VectorOf<T, kLanes>::type;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t v = 0; v < columns; v += kLanes) {
        stream(*reinterpret_cast<const Vector*>(aside + i * kAsideWidth + v),
               to + i * leading_ + v);
      }
    }
  }

  GemmBlocks blocks_;
  Layout rows_, columns_;
  int64_t leading_;
};

}  // namespace chainrule::CHAINRULE_ISA
