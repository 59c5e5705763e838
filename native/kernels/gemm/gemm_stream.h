#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/gemm/first_lanes.h"
#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_order.h"
#include "kernels/gemm/gemm_prefetch.h"
#include "kernels/gemm/outer_product.h"
#include "sync/abort.h"

// Products of a few rows with a matrix whose rows are contiguous: c[i][j] = the sum over k of
// a[i][k] b[k][j]. Goes through b once, some of its rows at a time, however far apart these are.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
class StreamProduct {
 public:
  // Elements of the workspace, for any instruction set.
  static int64_t workspace(int64_t rows, int64_t columns, int64_t depth) {
    return depth > kTerms ? rows * columns : 0;
  }

  // c[rows, columns], contiguous, for an a of any layout and a b whose rows are b_step elements
  // apart.
  static void run(int64_t rows, int64_t columns, int64_t depth, const T* a, Layout a_layout,
                  const T* b, int64_t b_step, T* c, T* workspace) {
    AbortCheck check;
    const int64_t tiles = (rows + kRows - 1) / kRows;
    const bool fetches = depth * columns >= kFetched;
    // Rows that lie pages apart share few sets of a cache.
    const int64_t most = fetches && b_step * sizeof(T) % kPage == 0 ? kShortBand : kBand;
    for (int64_t k = 0; k < depth; k += kTerms) {
      const int64_t end = std::min(depth, k + kTerms);
      T* const sums = k == 0 ? c : workspace;
      for (int64_t first = k; first < end; first += most) {
        const int64_t length = std::min(most, end - first);
        for (int64_t t = 0, i = 0, next; t < tiles; ++t, i = next) {
          next = rows * (t + 1) / tiles;
          const int64_t height = next - i;
          const Block block{a + i * a_layout.across + first * a_layout.along,
                            a_layout,
                            b + first * b_step,
                            b_step,
                            sums + i * columns,
                            columns,
                            length,
                            first == k};
          // The first tile brings the rows of b into a cache.
          (fetches && t == 0 ? kTiles<true> : kTiles<false>)[height - 1](block);
          check.after(product_work(height, columns, length));
        }
      }
      if (k > 0) add(sums, rows * columns, c);
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  using Vector = typename VectorOf<T, kLanes>::type;
  // Rows of a tile.
  static constexpr int kRows = kRegisters == 32 ? 8 : 6;
  // Rows of b at a time.
  static constexpr int64_t kBand = 64, kShortBand = 24, kPage = 4096;

  struct Block {
    const T* a;
    Layout a_layout;
    const T* b;
    int64_t b_step;
    T* sums;
    int64_t columns, depth;
    bool starts;
  };

  static void add(const T* sums, int64_t count, T* c) {
    for (int64_t i = 0; i < count; ++i) c[i] += sums[i];
  }

  // Vectors of a tile, so that its sums fit in registers.
  static constexpr int vectors_of(int rows) {
    return std::min(8, (kRegisters == 32 ? 24 : 12) / rows);
  }

  template <int kHeight, bool kFetch>
  static void multiply(const Block& block) {
    T x[kBand][kHeight];
    const auto [along, across] = block.a_layout;
    for (int64_t k = 0; k < block.depth; ++k) {
      const T* from = block.a + k * along;
      if (across == 1) {
        std::memcpy(x[k], from, sizeof(x[k]));
      } else {
        for (int r = 0; r < kHeight; ++r) x[k][r] = from[r * across];
      }
    }
    constexpr int kWide = vectors_of(kHeight);
    int64_t j = add_columns<kHeight, kWide, kFetch>(block, x[0], 0);
    if constexpr (kWide > 2) j = add_columns<kHeight, kWide / 2, kFetch>(block, x[0], j);
    if constexpr (kWide > 1) j = add_columns<kHeight, 1, kFetch>(block, x[0], j);
    if (j < block.columns) {
      add_terms<kHeight, 1, false>(block, x[0], j, FirstLanes<T, kLanes>(block.columns - j));
    }
  }

  // Adds to as many columns as the vectors fill, from column j on, and returns the next one.
  template <int kHeight, int kVectors, bool kFetch>
  static int64_t add_columns(const Block& block, const T* x, int64_t j) {
    for (; j + kVectors * kLanes <= block.columns; j += kVectors * kLanes) {
      add_terms<kHeight, kVectors, kFetch>(block, x, j, AllLanes());
    }
    return j;
  }

  struct AllLanes {
    static Vector load(const T* from) { return *reinterpret_cast<const Vector*>(from); }
    static void store(const Vector& vector, T* to) { *reinterpret_cast<Vector*>(to) = vector; }
  };

  template <int kHeight, int kVectors, bool kFetch, typename Access>
  static inline __attribute__((always_inline)) void add_terms(const Block& block, const T* x,
                                                              int64_t j, const Access& access) {
    Vector sums[kHeight][kVectors];
    T* to = block.sums + j;
#pragma GCC unroll 8
    for (int r = 0; r < kHeight; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = block.starts ? Vector{} : access.load(to + r * block.columns + v * kLanes);
      }
    }
    const T* row = block.b + j;
    for (int64_t k = 0; k < block.depth; ++k, row += block.b_step, x += kHeight) {
      add_products<T, kLanes>(
          sums, [&](int r) { return x[r]; },
          [&](int v) {
            constexpr int kLine = 64 / kVectorBytes;  // vectors of a cache line
            if (kFetch && v % kLine == 0) __builtin_prefetch(row + (kVectors + v) * kLanes, 0, 2);
            return access.load(row + v * kLanes);
          });
    }
#pragma GCC unroll 8
    for (int r = 0; r < kHeight; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        access.store(sums[r][v], to + r * block.columns + v * kLanes);
      }
    }
  }

  using Tile = void (*)(const Block&);
  template <bool kFetch, int... kRow>
  static constexpr std::array<Tile, kRows> all_tiles(std::integer_sequence<int, kRow...>) {
    return {multiply<kRow + 1, kFetch>...};
  }
  template <bool kFetch>
  static constexpr auto kTiles = all_tiles<kFetch>(std::make_integer_sequence<int, kRows>());
};

}  // namespace chainrule::CHAINRULE_ISA
