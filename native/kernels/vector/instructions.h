#pragma once

#include <span>

#include "engine/operation.h"
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

// The operations, each with its position as its number.
std::span<const Operation> operations();

// The number of the operation that copies its input, whose result is never a scalar.
int copy_operation();

// The loop for an operation, or null; bit k of `scalars` is set if input k is one element for all.
template <typename T>
Loop<T> find_loop(int operation, unsigned scalars);

// The same for one of the fusions of fusions.cc, by its position among them.
template <typename T>
Loop<T> find_fusion(int fusion, unsigned scalars);

}  // namespace chainrule::CHAINRULE_ISA
