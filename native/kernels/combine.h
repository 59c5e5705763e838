#pragma once

#include <cstring>
#include <limits>

#include "instructions.h"

// What reductions do with two elements, and with a row of them.
namespace chainrule::CHAINRULE_ISA {

struct Sum {
  template <typename T>
  static constexpr T identity() {
    return 0;
  }
  template <typename V>
  static void combine(V& total, const V& next) {
    total += next;
  }
};

struct Max {
  template <typename T>
  static constexpr T identity() {
    return -std::numeric_limits<T>::infinity();
  }
  // The first choice keeps a NaN in the total, and the comparison one in `next`.
  template <typename V>
  static void combine(V& total, const V& next) {
    total = total != total ? total : (total > next ? total : next);
  }
};

template <typename T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(64)));
};

// All of n consecutive elements. Partial results stand in many lanes, which is fast, and keeps the rounding error small.
template <class Operation, typename T>
T combine_row(const T* values, int64_t n) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kVectors = 4;
  T lanes[kLine<T>];
  std::fill_n(lanes, kLine<T>, Operation::template identity<T>());
  int64_t i = 0;
  if (n >= kVectors * kLine<T>) {
    Vector sums[kVectors], next;
    std::memcpy(sums, values, sizeof sums);
    for (i = kVectors * kLine<T>; i + kVectors * kLine<T> <= n; i += kVectors * kLine<T>) {
      for (int v = 0; v < kVectors; ++v) {
        std::memcpy(&next, values + i + v * kLine<T>, sizeof next);
        Operation::combine(sums[v], next);
      }
    }
    Operation::combine(sums[0], sums[1]);
    Operation::combine(sums[2], sums[3]);
    Operation::combine(sums[0], sums[2]);
    std::memcpy(lanes, sums, sizeof lanes);
  }
  for (int64_t lane = 0; i < n; ++i, lane = (lane + 1) % kLine<T>) {
    Operation::combine(lanes[lane], values[i]);
  }
  for (int64_t width = kLine<T> / 2; width > 0; width /= 2) {
    for (int64_t j = 0; j < width; ++j) Operation::combine(lanes[j], lanes[j + width]);
  }
  return lanes[0];
}

// totals[i] with values[i], element by element.
template <class Operation, typename T, typename V>
inline void combine_into(T* __restrict totals, const V* __restrict values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T value = static_cast<T>(values[i]);
    Operation::combine(totals[i], value);
  }
}

// The same with four stretches of n values.
template <class Operation, typename T>
inline void combine_four_into(T* __restrict totals, const T* __restrict values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T pair = values[i], other = values[2 * n + i];
    Operation::combine(pair, values[n + i]);
    Operation::combine(other, values[3 * n + i]);
    Operation::combine(pair, other);
    Operation::combine(totals[i], pair);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
