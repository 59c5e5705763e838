#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/simd.h"

// The inner loop of all convolutions and tiled products: a tile of a matrix product, held in
// registers.
namespace chainrule::CHAINRULE_ISA {

inline constexpr int kMaxVectors = kRegisters == 32 ? 4 : 3;
inline constexpr int kMaxRows = 10;

// Number of rows whose sums fit in registers beside one row of the panel and one broadcast value.
constexpr int rows_in_registers(int vectors) {
  return std::min(kMaxRows, (kRegisters - 1 - vectors) / vectors);
}

// The positions that a sum runs over, relative to the start of a row: `segments` stretches of
// `length` positions, `step` elements apart.
struct Walk {
  const int64_t* offsets;
  int64_t segments, length, step;
};

template <bool kAdd, int kLanes, typename T>
void store(const typename VectorOf<T, kLanes>::type& sums, T* out) {
  auto& target = *reinterpret_cast<typename VectorOf<T, kLanes>::type*>(out);
  target = kAdd ? target + sums : sums;
}

// One block of columns of a matrix: row k starts at data + k * step, and `skip` elements are
// skipped after the rows of each segment of a walk.
template <typename T>
struct Panel {
  const T* data;
  int64_t step, skip = 0;
};

// Stores the first `count` < 2 kLanes lanes in smaller and smaller pieces, without a loop or a
// library call.
template <bool kAdd, int kLanes, typename T>
void store_part(const T* sums, T* out, int64_t count) {
  if (count & kLanes) {
    store<kAdd, kLanes>(*reinterpret_cast<const typename VectorOf<T, kLanes>::type*>(sums), out);
    sums += kLanes, out += kLanes;
  }
  if constexpr (kLanes > 1) store_part<kAdd, kLanes / 2>(sums, out, count);
}

// out[p][j] = (or +=, for kAdd) the sum over the walk's positions k of rows[p][k] * panel[k][j],
// for the first `columns` of the panel's kVectors vectors. The loops over p and v must be unrolled
// for the sums to stay in registers.
template <typename T, int kLanes, int kVectors, int kRows, bool kAdd>
void multiply_tile(const T* const* rows, const Walk& walk, const Panel<T>& panel, T* const* out,
                   int64_t columns) {
  using Vector = typename VectorOf<T, kLanes>::type;
  constexpr int kWidth = kVectors * kLanes;
  Vector sums[kRows][kVectors] = {};
  const T* row = panel.data;
  const T* x[kRows];
#pragma GCC unroll 10
  for (int p = 0; p < kRows; ++p) x[p] = rows[p];
  for (int64_t s = 0; s < walk.segments; ++s) {
    const int64_t end = walk.offsets[s] + walk.length * walk.step;
    for (int64_t k = walk.offsets[s]; k != end; k += walk.step, row += panel.step) {
      Vector weights[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        weights[v] = *reinterpret_cast<const Vector*>(row + v * kLanes);
      }
#pragma GCC unroll 10
      for (int p = 0; p < kRows; ++p) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[p][v] += x[p][k] * weights[v];
      }
    }
    row += panel.skip;
  }
  const int64_t tail = columns - (kWidth - kLanes);
  T last[kRows][kLanes];
#pragma GCC unroll 10
  for (int p = 0; p < kRows; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v + 1 < kVectors; ++v) store<kAdd, kLanes>(sums[p][v], out[p] + v * kLanes);
    if (tail == kLanes) {
      store<kAdd, kLanes>(sums[p][kVectors - 1], out[p] + kWidth - kLanes);
    } else {
      store<false, kLanes>(sums[p][kVectors - 1], last[p]);
    }
  }
  if (tail == kLanes) return;
  for (int p = 0; p < kRows; ++p) {
    store_part<kAdd, kLanes / 2>(last[p], out[p] + kWidth - kLanes, tail);
  }
}

template <typename T>
using TileFunction = void (*)(const T* const* rows, const Walk& walk, const Panel<T>& panel,
                              T* const* out, int64_t columns);

// The same tile in two variants: one sets the results, the other adds to them.
template <typename T>
struct Tile {
  TileFunction<T> set, add;
};

template <typename T, int kLanes, int kVectors, bool kAdd, int... kRow>
constexpr std::array<TileFunction<T>, kMaxRows> tiles_of_width(
    std::integer_sequence<int, kRow...>) {
  return {multiply_tile<T, kLanes, kVectors, kRow + 1, kAdd>...};
}

template <typename T, int kLanes, bool kAdd, int... kVector>
constexpr std::array<std::array<TileFunction<T>, kMaxRows>, kMaxVectors> all_tiles(
    std::integer_sequence<int, kVector...>) {
  return {tiles_of_width<T, kLanes, kVector + 1, kAdd>(
      std::make_integer_sequence<int, rows_in_registers(kVector + 1)>())...};
}

// The columns of a product, cut into panels of at most kMaxVectors vectors, as evenly as possible.
template <typename T>
class Panels {
 public:
  explicit Panels(int64_t columns)
      : columns_(columns),
        lanes_(columns <= kNarrow ? kNarrow : kWide),
        vectors_((columns + lanes_ - 1) / lanes_),
        count_((vectors_ + kMaxVectors - 1) / kMaxVectors) {}

  int64_t count() const { return count_; }
  int64_t first_column(int64_t panel) const { return first_vector(panel) * lanes_; }
  int64_t width(int64_t panel) const { return first_column(panel + 1) - first_column(panel); }
  int64_t used(int64_t panel) const {
    return std::min(width(panel), columns_ - first_column(panel));
  }
  // True if every panel lies within the matrix, which can then be read in place.
  bool fit() const { return vectors_ * lanes_ == columns_; }

  // A panel of the matrix in place, whose rows start `step` elements apart.
  Panel<T> unpacked(int64_t panel, const T* matrix, int64_t step) const {
    return {matrix + first_column(panel), step};
  }
  Panel<T> packed(int64_t panel, const T* packed, int64_t rows) const {
    return {packed + first_column(panel) * rows, width(panel)};
  }

  // Copies `rows` rows of a matrix into consecutive panels. Row k starts at row_at(k), and the
  // matrix ends at `end`. The lanes of a panel beyond the matrix's columns are undefined.
  template <typename RowAt>
  void pack(int64_t rows, RowAt row_at, const T* end, T* packed) const {
    for (int64_t panel = 0; panel < count_; ++panel) {
      const int64_t first = first_column(panel), valid = used(panel), whole = width(panel);
      for (int64_t k = 0; k < rows; ++k, packed += whole) {
        const T* source = row_at(k) + first;
        if (end - source >= whole) {
          copy_whole(source, whole, packed);
        } else {
          for (int64_t j = 0; j < whole; ++j) packed[j] = j < valid ? source[j] : T(0);
        }
      }
    }
  }

  // Calls visit(first, count, tile) for runs of rows that one tile function handles at once.
  template <bool kAdd, typename Visit>
  void for_each_tile(int64_t panel, int64_t rows, Visit visit) const {
    for_each_pair(panel, rows, [&](int64_t first, int64_t count, const Tile<T>& tile) {
      visit(first, count, kAdd ? tile.add : tile.set);
    });
  }

  // The same with both variants of the tile.
  template <typename Visit>
  void for_each_pair(int64_t panel, int64_t rows, Visit visit) const {
    const int64_t vectors = first_vector(panel + 1) - first_vector(panel);
    const auto& set = (lanes_ == kWide ? kWideTiles<false> : kNarrowTiles<false>)[vectors - 1];
    const auto& add = (lanes_ == kWide ? kWideTiles<true> : kNarrowTiles<true>)[vectors - 1];
    const int64_t most = rows_in_registers(static_cast<int>(vectors));
    const int64_t count = (rows + most - 1) / most;
    for (int64_t i = 0, first = 0; i < count; ++i) {
      const int64_t next = rows * (i + 1) / count;
      visit(first, next - first, Tile<T>{set[next - first - 1], add[next - first - 1]});
      first = next;
    }
  }

 private:
  static constexpr int kWide = kVectorBytes / sizeof(T);
  // If the widest vectors are twice the usual width, half of one suffices for few columns.
  static constexpr int kNarrow = kVectorBytes == 64 ? kWide / 2 : kWide;
  template <bool kAdd>
  static constexpr auto kWideTiles =
      all_tiles<T, kWide, kAdd>(std::make_integer_sequence<int, kMaxVectors>());
  template <bool kAdd>
  static constexpr auto kNarrowTiles =
      all_tiles<T, kNarrow, kAdd>(std::make_integer_sequence<int, kMaxVectors>());

  // Copies of a constant size compile to a few moves, others to a call.
  static void copy_whole(const T* source, int64_t width, T* packed) {
    if (width == kNarrow) {
      std::memcpy(packed, source, kNarrow * sizeof(T));
    } else if (width == kWide) {
      std::memcpy(packed, source, kWide * sizeof(T));
    } else {
      std::memcpy(packed, source, width * sizeof(T));
    }
  }

  int64_t first_vector(int64_t panel) const { return vectors_ * panel / count_; }

  int64_t columns_, lanes_, vectors_, count_;
};

}  // namespace chainrule::CHAINRULE_ISA
