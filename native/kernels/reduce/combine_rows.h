#pragma once

#include <algorithm>
#include <bit>
#include <utility>

#include "kernels/reduce/combine_elements.h"

// Reductions of contiguous rows, in vectors of a line. Partial results are kept in many lanes,
// which is fast, and keeps the rounding error small.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
using Lanes = std::make_integer_sequence<int, kLine<T>>;

template <typename T>
struct LineTypes {
  typedef T Vector __attribute__((vector_size(64)));
  typedef T InMemory __attribute__((vector_size(64), aligned(alignof(T)), may_alias));
  typedef std::make_signed_t<BitsOf<T>> Mask __attribute__((vector_size(64)));
};

template <typename T>
using Vector = typename LineTypes<T>::Vector;

// A line of elements at any address.
template <typename T>
inline auto& line_at(T* values) {
  return *reinterpret_cast<typename LineTypes<T>::InMemory*>(values);
}

template <typename T>
inline const auto& line_at(const T* values) {
  return *reinterpret_cast<const typename LineTypes<T>::InMemory*>(values);
}

template <class Operation, typename T>
inline void combine_line(Vector<T>& total, const T* values) {
  const Vector<T> next = line_at(values);
  Operation::combine(total, next);
}

// Combines the first `length` elements of a line only.
template <class Operation, typename T, int... lane>
inline void combine_part(Vector<T>& total, const T* values, int64_t length,
                         std::integer_sequence<int, lane...>) {
  using Mask = typename LineTypes<T>::Mask;
  const Mask position = {lane...};
  const Vector<T> identity = Vector<T>{} + Operation::template identity<T>();
  const auto end = static_cast<std::make_signed_t<BitsOf<T>>>(length);
  const Vector<T> next = position < end ? Vector<T>(line_at(values)) : identity;
  Operation::combine(total, next);
}

// Folds a row into one line of partial results. Reads whole lines.
template <class Operation, typename T>
inline void fold_row(const T* values, int64_t length, T* out) {
  constexpr int64_t kStep = 4 * kLine<T>;
  Vector<T> totals[4];
  for (auto& total : totals) total = Vector<T>{} + Operation::template identity<T>();
  for (; length >= kStep; length -= kStep, values += kStep) {
    for (int v = 0; v < 4; ++v) combine_line<Operation>(totals[v], values + v * kLine<T>);
  }
  for (; length >= kLine<T>; length -= kLine<T>, values += kLine<T>) {
    combine_line<Operation>(totals[0], values);
  }
  if (length > 0) combine_part<Operation>(totals[1], values, length, Lanes<T>());
  Operation::combine(totals[0], totals[1]);
  Operation::combine(totals[2], totals[3]);
  Operation::combine(totals[0], totals[2]);
  line_at(out) = totals[0];
}

// Combines elements 2i and 2i + 1 into element i, in whole lines.
template <class Operation, typename T, int... lane>
inline void halve(T* values, int64_t n, std::integer_sequence<int, lane...>) {
  for (int64_t i = 0; i < n; i += kLine<T>) {
    const Vector<T> first = line_at(values + 2 * i), second = line_at(values + 2 * i + kLine<T>);
    Vector<T> even = __builtin_shufflevector(first, second, (2 * lane)...);
    const Vector<T> odd = __builtin_shufflevector(first, second, (2 * lane + 1)...);
    Operation::combine(even, odd);
    line_at(values + i) = even;
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
