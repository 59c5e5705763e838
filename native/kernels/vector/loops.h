#pragma once

#include <algorithm>
#include <array>

#include "kernels/vector/instructions.h"

// The loops of operations over whole lines. Each source file makes its own, because rounding
// follows from how it is compiled.
namespace chainrule::CHAINRULE_ISA {
namespace {

// `out` may be exactly one of the inputs; ivdep says that no iteration depends on another.
template <typename T, class Operation, unsigned scalars, size_t... k>
inline void apply(int64_t n, T* out, const T* const* inputs, std::index_sequence<k...>) {
  const T* const source[] = {inputs[k]...};
  const T scalar[] = {*inputs[k]...};
  n &= -kLine<T>;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    out[i] = Operation::apply((scalars >> k & 1 ? scalar[k] : source[k][i])...);
  }
}

// True if all angles are small enough for the vector form.
template <typename T>
bool small_angles(int64_t n, const T* x) {
  BitsOf<T> large = 0;
  for (int64_t i = 0; i < n; ++i) large |= !(std::abs(x[i]) < Format<T>::kTrigonometricLimit);
  return large == 0;
}

template <class Operation>
inline constexpr bool is_angular = std::is_same_v<Operation, Sin> || std::is_same_v<Operation, Cos>;

template <typename T, class Operation>
void apply_library(int64_t n, T* out, const T* x) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = std::is_same_v<Operation, Sin> ? std::sin(x[i]) : std::cos(x[i]);
  }
}

template <typename T, class Operation, unsigned scalars>
void loop(int64_t n, T* out, const T* const* inputs) {
  if constexpr (is_angular<Operation>) {
    if (!small_angles(n, inputs[0])) return apply_library<T, Operation>(n, out, inputs[0]);
  }
  apply<T, Operation, scalars>(n, out, inputs, std::make_index_sequence<Operation::arity>());
}

template <class Operation>
constexpr bool has_loop(unsigned scalars) {
  if constexpr (requires { Operation::allowed; }) {
    if constexpr (Operation::allowed.size() > 0) {
      return std::ranges::find(Operation::allowed, scalars) != Operation::allowed.end();
    }
  }
  // Values that are the same for all elements are computed once, on a line of copies, by the loop
  // without scalars.
  constexpr unsigned all = (1u << Operation::arity) - 1;
  return scalars < all || (scalars == all && std::is_same_v<Operation, Copy>);
}

template <typename T, class Operation, unsigned scalars>
constexpr Loop<T> loop_or_null() {
  if constexpr (has_loop<Operation>(scalars)) {
    return &loop<T, Operation, scalars>;
  } else {
    return nullptr;
  }
}

// The loops of an operation, by their scalars.
template <typename T, class Operation>
struct Loops {
  template <unsigned... scalars>
  static constexpr auto make(std::integer_sequence<unsigned, scalars...>) {
    return std::array<Loop<T>, sizeof...(scalars)>{loop_or_null<T, Operation, scalars>()...};
  }
  static constexpr auto kAll = make(std::make_integer_sequence<unsigned, 1u << Operation::arity>());
};

template <typename T, class... Operation>
constexpr auto all_loops(std::tuple<Operation...>*) {
  return std::array{Loops<T, Operation>::kAll.data()...};
}

}  // namespace
}  // namespace chainrule::CHAINRULE_ISA
