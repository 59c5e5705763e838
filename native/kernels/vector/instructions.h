#pragma once

#include <string>
#include <vector>

#include "kernels/vector/operations.h"

namespace chainrule::CHAINRULE_ISA {

inline constexpr int kMaxArity = 7;

// The registers of the vector machine hold whole cache lines, and loops run over whole lines: there
// are no remainders.
template <typename T>
inline constexpr int64_t kLine = 64 / sizeof(T);

template <typename T>
constexpr int64_t whole_lines(int64_t n) {
  return (n + kLine<T> - 1) & -kLine<T>;
}

// Applies an operation to n elements, a multiple of kLine. `out` may be one of the inputs.
template <typename T>
using Loop = void (*)(int64_t n, T* out, const T* const* inputs);

// The loop for an operation, or null; bit k of `scalars` is set if input k is one element for all.
template <typename T>
Loop<T> find_loop(int operation, unsigned scalars);

namespace detail {

template <class Operation, int at = 0>
constexpr int position() {
  if constexpr (std::is_same_v<std::tuple_element_t<at, Operations>, Operation>) {
    return at;
  } else {
    return position<Operation, at + 1>();
  }
}

}  // namespace detail

// The number of an operation, which is its position in Operations.
template <class Operation>
inline constexpr int id = detail::position<Operation>();

inline constexpr int kOperations = std::tuple_size_v<Operations>;

struct OperationInfo {
  const char* name;
  int arity;
  bool commutative;
  // For a fusion: the two operations that it joins, and the input of the outer one that is the
  // inner.
  int outer, place, inner;
};

const OperationInfo& operation_info(int operation);

}  // namespace chainrule::CHAINRULE_ISA
