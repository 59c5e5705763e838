#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "engine/limits/second_level_cache.h"
#include "kernels/gemm/first_lanes.h"
#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_order.h"
#include "kernels/gemm/gemm_prefetch.h"
#include "kernels/gemm/outer_product.h"
#include "sync/abort.h"

// Products with a matrix that is contiguous along k, as of a batch with a linear layer's weights:
// c[i][j] = the sum over k of a[i][k] b[j][k]. The lanes of a vector are neighbouring terms, so b
// is read in place, and once for a block of rows.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
class LaneProduct {
 public:
  // Elements of the workspace, for any instruction set and any cache.
  static int64_t workspace(int64_t rows, int64_t columns, int64_t depth, Layout a) {
    if (!packs(rows, columns, a)) return 0;
    return std::min(rows, kMostRows) * (std::min(depth, kLaneTerms) + kMostLanes - 1);
  }

  // c[rows, columns], contiguous, for an a of any layout and a b whose columns are b_step elements
  // apart.
  static void run(int64_t rows, int64_t columns, int64_t depth, const T* a, Layout a_layout,
                  const T* b, int64_t b_step, T* c, T* workspace) {
    T* const packed = packs(rows, columns, a_layout) ? workspace : nullptr;
    AbortCheck check;
    const int64_t most = block_rows();
    for (int64_t i = 0; i < rows; i += most) {
      const Rows block{std::min(most, rows - i), columns, a + i * a_layout.across, a_layout,
                       c + i * columns};
      for (int64_t k = 0; k < depth; k += kLaneTerms) {
        multiply_rows(block, k, std::min(kLaneTerms, depth - k), b, b_step, packed, check);
      }
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  using Vector = typename VectorOf<T, kLanes>::type;
  using Lanes = std::make_integer_sequence<int, kLanes>;
  // The most rows of a tile, and its most columns for each number of rows.
  static constexpr int kRows = kRegisters == 32 ? 6 : 4, kColumns = 8;
  static constexpr std::array<int, 6> kWidths =
      kRegisters == 32 ? std::array{8, 8, 8, 6, 4, 4} : std::array{8, 6, 4, 3, 0, 0};
  // Bounds of the rows, and the columns, that stay in a cache while they are multiplied.
  static constexpr int64_t kFewestRows = 48, kMostRows = 128, kBlockColumns = 32;
  static constexpr int64_t kMostLanes = 16;

  struct Rows {
    int64_t count, columns;
    const T* a;
    Layout layout;
    T* c;
  };

  // As many rows as fill the second-level cache with their copy: b is read once for each such
  // block, and the copy is read in sequence, so it does not matter that b takes a part of the
  // cache.
  static int64_t block_rows() {
    static const int64_t rows =
        std::clamp<int64_t>(second_level_cache() / static_cast<int64_t>(kLaneTerms * sizeof(T)),
                            kFewestRows, kMostRows);
    return rows;
  }

  // A copy of the rows, line by line, is worth while where it is read often.
  static bool packs(int64_t rows, int64_t columns, Layout a) {
    return a.along != 1 || (rows > 8 && columns >= 64);
  }

  // The rows of each tile, as equal as possible.
  static int64_t tiles_of(int64_t rows) {
    // Four rows at once keep fewer columns in registers.
    const int64_t most = kRegisters == 32 || rows == kRows ? kRows : kRows - 1;
    return (rows + most - 1) / most;
  }

  static void multiply_rows(const Rows& rows, int64_t k, int64_t depth, const T* b, int64_t b_step,
                            T* packed, AbortCheck& check) {
    const int64_t tiles = tiles_of(rows.count);
    const auto first_row = [&](int64_t tile) { return rows.count * tile / tiles; };
    if (packed) {
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t i = first_row(t);
        pack(rows.a + i * rows.layout.across + k * rows.layout.along, rows.layout,
             first_row(t + 1) - i, depth, packed + i * padded(depth));
      }
    }
    for (int64_t j = 0; j < rows.columns; j += kBlockColumns) {
      const int64_t columns = std::min(kBlockColumns, rows.columns - j);
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t i = first_row(t), height = first_row(t + 1) - i;
        const int64_t most = kWidths[height - 1];
        // One to three rows wait for memory anyway, and the instructions would only add to that.
        const bool fetches = t == 0 && height >= 4 && rows.columns * depth >= kFetched;
        const auto& each = (fetches ? kTiles<true> : kTiles<false>)[height - 1];
        // The results are put aside, so that their lines are written once, and whole.
        alignas(64) T aside[kRows * kBlockColumns];
        T* const to = rows.c + i * rows.columns + j;
        fetch_results(to, rows.columns, height, columns);
        Block block{packed ? packed + i * padded(depth) : rows.a + i * rows.layout.across + k,
                    packed ? kLanes : rows.layout.across,
                    packed ? kLanes * height : kLanes,
                    nullptr,
                    b_step,
                    nullptr,
                    depth};
        for (int64_t at = 0, width; at < columns; at += width) {
          width = std::min<int64_t>(columns - at, most);
          block.b = b + (j + at) * b_step + k;
          block.sums = aside + at;
          each[width - 1](block);
        }
        (k > 0 ? store<true> : store<false>)(aside, height, columns, to, rows.columns);
        check.after(product_work(height, columns, depth));
      }
    }
  }

  template <bool kAdd>
  static void store(const T* sums, int64_t rows, int64_t columns, T* to, int64_t step) {
    for (int64_t i = 0; i < rows; ++i, sums += kBlockColumns, to += step) {
      if (columns == kBlockColumns) {
#pragma GCC unroll 8
        for (int64_t j = 0; j < kBlockColumns; j += kLanes) {
          auto& target = *reinterpret_cast<Vector*>(to + j);
          const auto& total = *reinterpret_cast<const Vector*>(sums + j);
          target = kAdd ? target + total : total;
        }
      } else {
        for (int64_t j = 0; j < columns; ++j) to[j] = kAdd ? to[j] + sums[j] : sums[j];
      }
    }
  }

  static int64_t padded(int64_t depth) { return (depth + kLanes - 1) / kLanes * kLanes; }

  struct Block {
    const T* a;
    int64_t a_step, a_line;
    const T* b;
    int64_t b_step;
    T* sums;
    int64_t depth;
  };

  // packed[(k / kLanes * rows + i) * kLanes + k % kLanes] = the rows' element (i, k), with zeros
  // behind the last k.
  static void pack(const T* a, Layout layout, int64_t rows, int64_t depth, T* packed) {
    for (int64_t k = 0; k < depth; k += kLanes, packed += rows * kLanes) {
      const T* from = a + k * layout.along;
      const int64_t length = std::min<int64_t>(depth - k, kLanes);
      for (int64_t i = 0; i < rows; ++i, from += layout.across) {
        T* to = packed + i * kLanes;
        auto& line = *reinterpret_cast<Vector*>(to);
        if (layout.along != 1) {
          for (int64_t l = 0; l < length; ++l) to[l] = from[l * layout.along];
          std::fill(to + length, to + kLanes, T(0));
        } else if (length == kLanes) {
          line = *reinterpret_cast<const Vector*>(from);
        } else {
          line = FirstLanes<T, kLanes>(length).load(from);
        }
      }
    }
  }

  template <bool kFetch, int kWidth, int kHeight>
  static void multiply(const Block& block) {
    Vector sums[kHeight][kWidth] = {};
    const T* a = block.a;
    const T* b = block.b;
    const int64_t a_step = block.a_step, b_step = block.b_step, a_line = block.a_line;
    const T* const end = b + block.depth / kLanes * kLanes;
    for (; b != end; a += a_line, b += kLanes) {
      add_products<T, kLanes>(
          sums, [&](int r) { return *reinterpret_cast<const Vector*>(a + r * a_step); },
          [&](int j) {
            if constexpr (kFetch) __builtin_prefetch(b + (kWidth + j) * b_step, 0, 2);
            return *reinterpret_cast<const Vector*>(b + j * b_step);
          });
    }
    if (const int64_t rest = block.depth % kLanes) {
      const FirstLanes<T, kLanes> lanes(rest);
      add_products<T, kLanes>(
          sums, [&](int r) { return lanes.load(a + r * a_step); },
          [&](int j) { return lanes.load(b + j * b_step); });
    }
#pragma GCC unroll 6
    for (int r = 0; r < kHeight; ++r) {
      store_sums(sums[r], block.sums + r * kBlockColumns);
    }
  }

  template <int kWidth>
  static inline __attribute__((always_inline)) void store_sums(const Vector (&sums)[kWidth],
                                                               T* to) {
    using Four = typename VectorOf<T, 4>::type;
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; j += 4) {
      const int left = kWidth - j;
      const Four total = add_lanes(sums[j], sums[left > 1 ? j + 1 : j], sums[left > 2 ? j + 2 : j],
                                   sums[left > 3 ? j + 3 : j], Lanes());
      if (left >= 4) {
        *reinterpret_cast<Four*>(to + j) = total;
      } else {
        for (int i = 0; i < left; ++i) to[j + i] = total[i];
      }
    }
  }

  // The sums over the lanes of four vectors.
  template <int... kLane>
  static inline __attribute__((always_inline)) typename VectorOf<T, 4>::type add_lanes(
      const Vector& a, const Vector& b, const Vector& c, const Vector& d,
      std::integer_sequence<int, kLane...>) {
    constexpr int n = sizeof...(kLane);
    const auto join = [](const Vector& x, const Vector& y) -> Vector {
      return __builtin_shufflevector(x, y, (kLane / 4 * 4 + kLane % 4 / 2 + kLane % 2 * n)...) +
             __builtin_shufflevector(x, y, (kLane / 4 * 4 + kLane % 4 / 2 + kLane % 2 * n + 2)...);
    };
    const Vector ab = join(a, b), cd = join(c, d);
    const Vector all =
        __builtin_shufflevector(ab, cd, (kLane / 4 * 4 + kLane % 2 + kLane % 4 / 2 * n)...) +
        __builtin_shufflevector(ab, cd, (kLane / 4 * 4 + kLane % 2 + kLane % 4 / 2 * n + 2)...);
    return add_fours(all);
  }

  template <typename Wide>
  static inline __attribute__((always_inline)) auto add_fours(const Wide& all) {
    constexpr int n = sizeof(Wide) / sizeof(T);
    if constexpr (n == 4) {
      return all;
    } else {
      return add_halves(all, std::make_integer_sequence<int, n / 2>());
    }
  }
  template <typename Wide, int... kLane>
  static inline __attribute__((always_inline)) auto add_halves(
      const Wide& all, std::integer_sequence<int, kLane...>) {
    using Half = typename VectorOf<T, sizeof...(kLane)>::type;
    const Half low = __builtin_shufflevector(all, all, kLane...);
    const Half high =
        __builtin_shufflevector(all, all, (kLane + static_cast<int>(sizeof...(kLane)))...);
    const Half both = low + high;
    return add_fours(both);
  }

  using Tile = void (*)(const Block&);
  template <bool kFetch, int kHeight, int... kColumn>
  static constexpr std::array<Tile, kColumns> tiles_of_height(
      std::integer_sequence<int, kColumn...>) {
    return {multiply<kFetch, kColumn + 1, kHeight>...};
  }
  template <bool kFetch, int... kRow>
  static constexpr std::array<std::array<Tile, kColumns>, kRows> all_tiles(
      std::integer_sequence<int, kRow...>) {
    return {tiles_of_height<kFetch, kRow + 1>(std::make_integer_sequence<int, kWidths[kRow]>())...};
  }
  template <bool kFetch>
  static constexpr auto kTiles = all_tiles<kFetch>(std::make_integer_sequence<int, kRows>());
};

}  // namespace chainrule::CHAINRULE_ISA
