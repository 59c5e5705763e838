#pragma once

#include <limits>

#include "kernels/vector/instructions.h"

// Reductions of two elements, and of two arrays, element by element.
namespace chainrule::CHAINRULE_ISA {

// Combines two elements, or two vectors of them, into the first.
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
  struct Numbers;

  template <typename T>
  static constexpr T identity() {
    return -std::numeric_limits<T>::infinity();
  }
  // The first test keeps a NaN in `total`, and the comparison one in `next`.
  template <typename V>
  static void combine(V& total, const V& next) {
    total = total != total ? total : (total > next ? total : next);
  }
};

struct Min {
  struct Numbers;

  template <typename T>
  static constexpr T identity() {
    return std::numeric_limits<T>::infinity();
  }
  template <typename V>
  static void combine(V& total, const V& next) {
    total = total != total ? total : (total < next ? total : next);
  }
};

// The same where no element is NaN.
struct Max::Numbers : Max {
  template <typename V>
  static void combine(V& total, const V& next) {
    total = total > next ? total : next;
  }
};

struct Min::Numbers : Min {
  template <typename V>
  static void combine(V& total, const V& next) {
    total = total < next ? total : next;
  }
};

// Combines values[i] into totals[i].
template <class Operation, typename T, typename V>
inline void combine_into(T* __restrict totals, const V* __restrict values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T value = static_cast<T>(values[i]);
    Operation::combine(totals[i], value);
  }
}

// The same with four arrays of n values.
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
