#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "kernels/reduce/combine_elements.h"
#include "kernels/simd.h"

// Reductions of contiguous rows, in vectors of a line. Partial results are kept in many lanes,
// which is fast, and keeps the rounding error small.
namespace chainrule::CHAINRULE_ISA {

// A line is as many vectors of the instruction set as it takes: compilers take wider ones apart
// into single elements. Each lane of a line combines the same elements on all instruction sets.
inline constexpr int kParts = 64 / kVectorBytes;

template <typename T>
inline constexpr int kLanes = kVectorBytes / sizeof(T);

template <typename T>
using Lanes = std::make_integer_sequence<int, kLanes<T>>;

template <typename T>
struct PartTypes {
  typedef T Vector __attribute__((vector_size(kVectorBytes)));
  typedef T InMemory __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
  typedef std::make_signed_t<BitsOf<T>> Mask __attribute__((vector_size(kVectorBytes)));
};

template <typename T>
using Vector = typename PartTypes<T>::Vector;

template <typename T>
struct Line {
  Vector<T> parts[kParts];
};

// A part of a line at any address.
template <typename T>
inline auto& part_at(T* values) {
  return *reinterpret_cast<typename PartTypes<T>::InMemory*>(values);
}

template <typename T>
inline const auto& part_at(const T* values) {
  return *reinterpret_cast<const typename PartTypes<T>::InMemory*>(values);
}

template <class Operation, typename T>
inline void combine_line(Line<T>& total, const T* values) {
  for (int p = 0; p < kParts; ++p) {
    const Vector<T> next = part_at(values + p * kLanes<T>);
    Operation::combine(total.parts[p], next);
  }
}

template <class Operation, typename T>
inline void combine_line(Line<T>& total, const Line<T>& next) {
  for (int p = 0; p < kParts; ++p) Operation::combine(total.parts[p], next.parts[p]);
}

// Combines the first `length` elements of a line only.
template <class Operation, typename T, int... lane>
inline void combine_part(Line<T>& total, const T* values, int64_t length,
                         std::integer_sequence<int, lane...>) {
  using Mask = typename PartTypes<T>::Mask;
  const Mask position = {lane...};
  const Vector<T> identity = Vector<T>{} + Operation::template identity<T>();
  for (int p = 0; p < kParts; ++p) {
    const auto end = static_cast<std::make_signed_t<BitsOf<T>>>(length - p * kLanes<T>);
    const Vector<T> next = position < end ? Vector<T>(part_at(values + p * kLanes<T>)) : identity;
    Operation::combine(total.parts[p], next);
  }
}

// Folds a row into one line of partial results by one operation. Reads whole lines.
template <class Operation, typename T>
inline void fold_elements(const T* values, int64_t length, T* out) {
  constexpr int64_t kStep = 4 * kLine<T>;
  Line<T> totals[4];
  for (auto& total : totals) {
    for (auto& part : total.parts) part = Vector<T>{} + Operation::template identity<T>();
  }
  for (; length >= kStep; length -= kStep, values += kStep) {
    for (int v = 0; v < 4; ++v) combine_line<Operation>(totals[v], values + v * kLine<T>);
  }
  for (; length >= kLine<T>; length -= kLine<T>, values += kLine<T>) {
    combine_line<Operation>(totals[0], values);
  }
  if (length > 0) combine_part<Operation>(totals[1], values, length, Lanes<T>());
  combine_line<Operation>(totals[0], totals[1]);
  combine_line<Operation>(totals[2], totals[3]);
  combine_line<Operation>(totals[0], totals[2]);
  for (int p = 0; p < kParts; ++p) part_at(out + p * kLanes<T>) = totals[0].parts[p];
}

// True if the row, or what lies behind it in its last line, holds a NaN.
template <typename T>
inline bool may_hold_nan(const T* values, int64_t length) {
  using Mask = typename PartTypes<T>::Mask;
  Mask found[2] = {};
  for (int64_t i = 0; i < length; i += kLine<T>) {
    for (int p = 0; p < kParts; ++p) {
      const Vector<T> next = part_at(values + i + p * kLanes<T>);
      found[p % 2] |= next != next;
    }
  }
  found[0] |= found[1];
  std::array<int64_t, kVectorBytes / 8> words;
  std::memcpy(words.data(), &found[0], kVectorBytes);
  int64_t any = 0;
  for (const int64_t word : words) any |= word;
  return any != 0;
}

// The same by the quickest operation that gives these results.
template <class Operation, typename T>
inline void fold_row(const T* values, int64_t length, T* out) {
  // Minima and maxima take fewer instructions where no NaN has to be kept.
  if constexpr (requires { typename Operation::Numbers; }) {
    if (!may_hold_nan(values, length)) {
      return fold_elements<typename Operation::Numbers>(values, length, out);
    }
  }
  fold_elements<Operation>(values, length, out);
}

// Combines elements 2i and 2i + 1 into element i, in whole lines.
template <class Operation, typename T, int... lane>
inline void halve(T* values, int64_t n, std::integer_sequence<int, lane...>) {
  const int64_t end = whole_lines<T>(n);
  for (int64_t i = 0; i < end; i += kLanes<T>) {
    const Vector<T> first = part_at(values + 2 * i), second = part_at(values + 2 * i + kLanes<T>);
    Vector<T> even = __builtin_shufflevector(first, second, (2 * lane)...);
    const Vector<T> odd = __builtin_shufflevector(first, second, (2 * lane + 1)...);
    Operation::combine(even, odd);
    part_at(values + i) = even;
  }
}

// Rows up to this length are reduced several at a time.
inline constexpr int64_t kMaxShortRow = 256;

// Reduces each of several short rows, which are readable up to whole lines. `out` has room for two
// lines per row and two more. Each row becomes a power of two of partial results, and those of all
// rows are then halved together.
template <class Operation, typename T>
void combine_rows(const T* values, int64_t rows, int64_t length, T* out) {
  T spare[kMaxShortRow];
  const T* end = values + whole_lines<T>(rows * length);
  int64_t width = std::min<int64_t>(kLine<T>, std::bit_ceil(static_cast<uint64_t>(length)));
  for (int64_t r = 0; r < rows; ++r, values += length) {
    const bool inside = values + whole_lines<T>(length) <= end;
    if (!inside) std::copy_n(values, length, spare);
    fold_row<Operation>(inside ? values : spare, length, out + r * width);
  }
  for (; width > 1; width /= 2) halve<Operation>(out, rows * width / 2, Lanes<T>());
}

// Reduces one row of any length, which is readable up to whole lines.
template <class Operation, typename T>
T combine_row(const T* values, int64_t length) {
  T line[2 * kLine<T>] = {};
  fold_row<Operation>(values, length, line);
  for (int64_t width = kLine<T>; width > 1; width /= 2) {
    halve<Operation>(line, width / 2, Lanes<T>());
  }
  return line[0];
}

}  // namespace chainrule::CHAINRULE_ISA
