#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_order.h"
#include "kernels/gemm/gemm_pack.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/gemm/outer_product.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// The product c[m, n] = a[m, k] b[k, n] with a b that was packed before, for any number of rows.
// The packed matrix is a row of panels of up to kMaxVectors vectors of columns; each panel lies in
// one piece, with its rows one after another.
template <typename T>
class PackedProduct {
 public:
  // Fewer columns would leave vectors empty.
  static constexpr int64_t kLeastColumns = kLongestVector;

  // For an a of any layout.
  PackedProduct(int64_t rows, int64_t columns, int64_t depth, Layout a)
      : rows_(rows), columns_(columns), depth_(depth), a_(a), panels_(columns) {}

  // Elements of the packed matrix, for any instruction set.
  static int64_t elements(int64_t columns, int64_t depth) {
    return depth * padded_columns(columns);
  }

  void pack(const T* b, Layout layout, T* packed) const {
    AbortCheck check;
    for (int64_t p = 0; p < panels_.count(); ++p) {
      const int64_t first = panels_.first_column(p), width = panels_.width(p);
      for (int64_t k = 0; k < depth_; k += kStretch) {
        const int64_t depth = std::min(kStretch, depth_ - k);
        const T* from = b + first * layout.across + k * layout.along;
        T* to = packed + first * depth_ + k * width;
        if (layout.along == 1) {
          pack_transposed<T, kLanes>(from, layout.across, panels_.used(p), depth, to, width);
        } else {
          for (int64_t i = 0; i < depth; ++i) {
            std::memcpy(to + i * width, from + i * layout.along, panels_.used(p) * sizeof(T));
          }
        }
        check.after(depth * width);
      }
    }
  }

  // c is contiguous.
  void run(const T* a, const T* packed, T* c) const {
    AbortCheck check;
    for (int64_t i = 0; i < rows_; i += kBlockRows) {
      const int64_t rows = std::min(kBlockRows, rows_ - i);
      for (int64_t p = 0, together; p < panels_.count(); p += together) {
        together = rows <= kPairedRows && pairs(p) ? 2 : 1;
        const int64_t first = panels_.first_column(p), width = panels_.width(p);
        const Block block{a + i * a_.across, packed + first * depth_, c + i * columns_ + first,
                          rows};
        for (int64_t k = 0; k < depth_; k += kTerms) {
          if (together == 2) {
            kPairs[rows - 1][width / kLanes - 1](*this, block, k);
          } else {
            multiply(block, p, k);
          }
          check.after(product_work(rows, together * width, std::min(kTerms, depth_ - k)));
        }
      }
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  using Vector = typename VectorOf<T, kLanes>::type;
  // Rows that stay in a cache while all panels are multiplied with them.
  static constexpr int64_t kBlockRows = 128;
  // Rows that are packed between two looks for an abort.
  static constexpr int64_t kStretch = 4096;
  // Up to so many rows, the sums of two panels fit in registers.
  static constexpr int kPairedRows = kRegisters == 32 ? 3 : 2;
  static constexpr int64_t kStart[1] = {0};

  // Rows of a, a panel, and where the panel's columns of their results begin.
  struct Block {
    const T* a;
    const T* panel;
    T* c;
    int64_t rows;
  };

  // True if a panel and the next one are of one width, and whole.
  bool pairs(int64_t p) const {
    return p + 1 < panels_.count() && panels_.width(p) == panels_.width(p + 1) &&
           panels_.used(p + 1) == panels_.width(p + 1);
  }

  // Adds a panel's terms from k on to the block's results, which it sets if there are none before.
  void multiply(const Block& block, int64_t p, int64_t k) const {
    const Walk walk{kStart, 1, std::min(kTerms, depth_ - k), a_.along};
    const Panel<T> panel{block.panel + k * panels_.width(p), panels_.width(p)};
    panels_.for_each_pair(p, block.rows, [&](int64_t i, int64_t count, const Tile<T>& tile) {
      const T* x[kMaxRows];
      T* y[kMaxRows];
      for (int64_t r = 0; r < count; ++r) {
        x[r] = block.a + (i + r) * a_.across + k * a_.along;
        y[r] = block.c + (i + r) * columns_;
      }
      (k > 0 ? tile.add : tile.set)(x, walk, panel, y, panels_.used(p));
    });
  }

  // The same for a panel and the next one: a few rows have too few sums to keep the arithmetic busy
  // with the vectors of one.
  template <int kRows, int kVectors>
  static void multiply_pair(const PackedProduct& product, const Block& block, int64_t k) {
    constexpr int kWidth = kVectors * kLanes;
    const auto [along, across] = product.a_;
    const int64_t depth = std::min(kTerms, product.depth_ - k);
    const T* x[kRows];
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r) x[r] = block.a + r * across + k * along;
    const T* left = block.panel + k * kWidth;
    const T* right = left + product.depth_ * kWidth;
    Vector sums[kRows][2 * kVectors] = {};
    for (int64_t i = 0; i < depth; ++i, left += kWidth, right += kWidth) {
      add_products<T, kLanes>(
          sums, [&, step = along](int r) { return x[r][i * step]; },
          [&](int v) {
            const T* from = v < kVectors ? left + v * kLanes : right + (v - kVectors) * kLanes;
            return *reinterpret_cast<const Vector*>(from);
          });
    }
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kVectors; ++v) {
        auto& to = *reinterpret_cast<Vector*>(block.c + r * product.columns_ + v * kLanes);
        to = k > 0 ? to + sums[r][v] : sums[r][v];
      }
    }
  }

  using Pair = void (*)(const PackedProduct&, const Block&, int64_t k);
  template <int kRows, int... kVector>
  static constexpr std::array<Pair, kMaxVectors> pairs_of(std::integer_sequence<int, kVector...>) {
    return {multiply_pair<kRows, kVector + 1>...};
  }
  template <int... kRow>
  static constexpr std::array<std::array<Pair, kMaxVectors>, kPairedRows> all_pairs(
      std::integer_sequence<int, kRow...>) {
    return {pairs_of<kRow + 1>(std::make_integer_sequence<int, kMaxVectors>())...};
  }
  static constexpr auto kPairs = all_pairs(std::make_integer_sequence<int, kPairedRows>());

  int64_t rows_, columns_, depth_;
  Layout a_;
  Panels<T> panels_;
};

}  // namespace chainrule::CHAINRULE_ISA
