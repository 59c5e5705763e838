#pragma once

#include <algorithm>

#include "kernels/attention/attention_shape.h"
#include "kernels/gemm/gemm_pack.h"

// Attention is computed block by block: the weights of kQueries queries for kBlockKeys keys stay in
// the first-level cache. A block is held with the queries side by side in vectors, and a row for
// each key. Maxima and sums over keys then need no shuffles, and keys and values are read as they
// are.
namespace chainrule::CHAINRULE_ISA {

// Two cache lines of queries, on every instruction set, so that all need the same workspace.
template <typename T>
inline constexpr int64_t kQueries = 128 / sizeof(T);

inline constexpr int64_t kBlockKeys = 64;

// A row's elements, up to whole cache lines.
template <typename T>
constexpr int64_t padded(int64_t elements) {
  constexpr int64_t kLine = 64 / sizeof(T);
  return (elements + kLine - 1) / kLine * kLine;
}

// The rows of a product's left side: element k of row i is at data[i * across + k * along].
template <typename T>
struct Factor {
  const T* data;
  int64_t across, along;
};

// out[i][j] = (or +=, for `add`) the sum over k < depth of rows[i][k] * panel[k][j], for all
// columns j of the panels.
template <typename T>
void multiply_block(const Panels<T>& panels, const Factor<T>& rows, int64_t count, int64_t depth,
                    const T* panel, int64_t panel_step, bool add, T* out, int64_t out_step) {
  static constexpr int64_t kStart[1] = {0};
  const Walk walk{kStart, 1, depth, 1};
  const Walk apart{kStart, 1, depth, rows.along};
  for (int64_t p = 0; p < panels.count(); ++p) {
    const int64_t column = panels.first_column(p);
    panels.for_each_pair(p, count, [&](int64_t first, int64_t many, const Tile<T>& tile) {
      const T* x[kMaxRows];
      T* to[kMaxRows];
      for (int64_t i = 0; i < many; ++i) {
        x[i] = rows.data + (first + i) * rows.across;
        to[i] = out + (first + i) * out_step + column;
      }
      (add ? tile.add : tile.set)(x, rows.along == 1 ? walk : apart, {panel + column, panel_step},
                                  to, panels.used(p));
    });
  }
}

// Copies rows, to places `step` elements apart. The elements between a row's end and the next row
// become 0.
template <typename T>
void copy_rows(const HeadRows<const T>& rows, int64_t first, int64_t count, int64_t size, T* to,
               int64_t step) {
  constexpr int kLanes = kVectorBytes / sizeof(T);
  using Vector = typename VectorOf<T, kLanes>::type;
  for (int64_t i = 0; i < count; ++i, to += step) {
    const T* from = rows.row(first + i);
    int64_t j = 0;
    if (rows.along == 1) {
      for (; j + kLanes <= size; j += kLanes) {
        store<false, kLanes>(*reinterpret_cast<const Vector*>(from + j), to + j);
      }
    }
    for (; j < size; ++j) to[j] = from[j * rows.along];
    for (; j < step; ++j) to[j] = T(0);
  }
}

// to[j * kQueries + i] = rows[first + i][j] for i < count and j < size; `copy` has room for them.
template <typename T>
void turn_rows(const HeadRows<const T>& rows, int64_t first, int64_t count, int64_t size, T* copy,
               T* to) {
  const T* from = rows.row(first);
  int64_t step = rows.across;
  if (rows.along != 1) {
    copy_rows(rows, first, count, size, copy, padded<T>(size));
    from = copy, step = padded<T>(size);
  }
  pack_transposed<T, kVectorBytes / sizeof(T)>(from, step, count, size, to, kQueries<T>);
}

// Multiplies what turn_rows wrote by a factor.
template <typename T>
void scale_turned(T* turned, int64_t size, T factor) {
  for (int64_t j = 0; j < size * kQueries<T>; ++j) turned[j] *= factor;
}

// Multiplies what belongs to each of the queries by a factor of its own.
template <typename T>
void scale_queries(T* __restrict turned, int64_t size, const T* __restrict factors) {
  for (int64_t j = 0; j < size; ++j, turned += kQueries<T>) {
    for (int64_t i = 0; i < kQueries<T>; ++i) turned[i] *= factors[i];
  }
}

// The reverse of turn_rows.
template <typename T>
void store_turned(const T* turned, int64_t count, int64_t size, const HeadRows<T>& rows,
                  int64_t first) {
  store_transposed<T, kVectorBytes / sizeof(T)>(turned, kQueries<T>, size, count, rows.row(first),
                                                rows.across);
}

// Hands out parts of a workspace, on whole cache lines. Without memory it counts the bytes.
class Pieces {
 public:
  explicit Pieces(std::byte* start) : start_(start) {}

  template <typename T>
  T* take(int64_t elements) {
    T* piece = reinterpret_cast<T*>(start_ + bytes_);
    bytes_ += padded<T>(elements) * static_cast<int64_t>(sizeof(T));
    return piece;
  }

  int64_t bytes() const { return bytes_; }

 private:
  std::byte* start_;
  int64_t bytes_ = 0;
};

// True if the keys and values of a head are worth a copy, and their gradients a place of their own:
// rows that lie far apart share few places of a cache, and are read once for each block of queries.
template <typename T>
bool copies_keys(const AttentionShape& shape) {
  return shape.queries > 4 * kQueries<T>;
}

// Keys or values of one head: in place, or copied side by side.
template <typename T>
class Side {
 public:
  Side(const AttentionShape& shape, const Operand& operand)
      : size_(operand.dim(-1)),
        length_(operand.dim(-3)),
        copies_(operand.stride(-1) != 1 || (copies_keys<T>(shape) && operand.stride(-3) != size_)) {
  }

  int64_t elements() const { return copies_ ? length_ * size_ : 0; }

  HeadRows<const T> load(const HeadRows<const T>& rows, T* to) const {
    if (!copies_) return rows;
    copy_rows(rows, 0, length_, size_, to, size_);
    return {to, size_, 1};
  }

 private:
  int64_t size_, length_;
  bool copies_;
};

}  // namespace chainrule::CHAINRULE_ISA
