#pragma once

#include "kernels/reduce/combine_rows.h"

namespace chainrule::CHAINRULE_ISA {

// A reduction over the middle of [outer, length, inner].
struct Extent {
  int64_t outer, length, inner;

  int64_t group() const { return length * inner; }  // elements for each outer index
};

// The functions of one reduction, as the reducers call them.
template <typename T>
struct Combiner {
  T identity;

  // Reduces several small groups [length, inner] to `inner` totals each.
  void (*groups)(const T* values, int64_t groups, const Extent& extent, T* totals);

  // Combines a part of a long row into its total.
  void (*row)(const T* values, int64_t n, double* total);

  // Combines elements into a ring of sums.
  void (*ring)(const T* values, int64_t n, int64_t ring, T* sums);

  // Combines sums into totals, which are doubles so that the error does not grow with the length.
  void (*sums)(const T* sums, int64_t n, double* totals);
  void (*totals)(const double* more, int64_t n, double* totals);
};

namespace detail {

template <class Operation, typename T>
void combine_groups(const T* values, int64_t groups, const Extent& extent, T* totals) {
  const int64_t inner = extent.inner;
  if (inner == 1) return combine_rows<Operation>(values, groups, extent.length, totals);
  for (int64_t g = 0; g < groups; ++g, values += extent.group(), totals += inner) {
    std::copy_n(values, inner, totals);
    for (int64_t r = 1; r < extent.length; ++r) {
      combine_into<Operation>(totals, values + r * inner, inner);
    }
  }
}

template <class Operation, typename T>
void combine_part_of_row(const T* values, int64_t n, double* total) {
  Operation::combine(*total, static_cast<double>(combine_row<Operation>(values, n)));
}

// Four rounds of the ring at once, so that the sums are loaded and stored less often.
template <class Operation, typename T>
void combine_ring(const T* values, int64_t n, int64_t ring, T* sums) {
  for (; n >= 4 * ring; n -= 4 * ring, values += 4 * ring) {
    combine_four_into<Operation>(sums, values, ring);
  }
  for (; n > 0; n -= ring, values += ring) {
    combine_into<Operation>(sums, values, std::min(n, ring));
  }
}

template <class Operation, typename V>
void combine_totals(const V* more, int64_t n, double* totals) {
  combine_into<Operation>(totals, more, n);
}

// Sums of int32, which wrap around. Sums of few elements are exact, and so are those of totals that
// are wrapped each time.
template <typename T>
void wrap_all(int64_t n, T* totals) {
  for (int64_t i = 0; i < n; ++i) totals[i] = wrap_int32(totals[i]);
}

template <typename T>
void wrapped_groups(const T* values, int64_t groups, const Extent& extent, T* totals) {
  combine_groups<Sum>(values, groups, extent, totals);
  wrap_all(groups * extent.inner, totals);
}

template <typename T>
void wrapped_part_of_row(const T* values, int64_t n, double* total) {
  combine_part_of_row<Sum>(values, n, total);
  wrap_all(1, total);
}

template <typename V>
void wrapped_totals(const V* more, int64_t n, double* totals) {
  combine_totals<Sum>(more, n, totals);
  wrap_all(n, totals);
}

}  // namespace detail

template <typename T>
inline constexpr Combiner<T> kWrappedSum = {
    Sum::template identity<T>(),  detail::wrapped_groups<T>, detail::wrapped_part_of_row<T>,
    detail::combine_ring<Sum, T>, detail::wrapped_totals<T>, detail::wrapped_totals<double>,
};

template <class Operation, typename T>
inline constexpr Combiner<T> kCombiner = {
    Operation::template identity<T>(),         detail::combine_groups<Operation, T>,
    detail::combine_part_of_row<Operation, T>, detail::combine_ring<Operation, T>,
    detail::combine_totals<Operation, T>,      detail::combine_totals<Operation, double>,
};

}  // namespace chainrule::CHAINRULE_ISA
