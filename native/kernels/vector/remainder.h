#pragma once

#include <cmath>

#include "kernels/vector/special.h"

// Division with a remainder that has the sign of the divisor, as in Python and PyTorch.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
inline T floor_mod(T a, T b) {
  const T rest = std::fmod(flushed(a), flushed(b));
  return rest != T(0) && (rest < T(0)) != (b < T(0)) ? rest + b : rest;
}

// The floor of the exact quotient, which a / b may round up to the next integer.
template <typename T>
inline T floor_div(T a, T b) {
  if (b == T(0)) return a / b;
  // Not floor_mod's rest, which is infinite where the divisor is.
  const T rest = std::fmod(flushed(a), b);
  const bool across = rest != T(0) && (rest < T(0)) != (b < T(0));
  const T quotient = (a - rest) / b - (across ? T(1) : T(0));
  const T floor = std::floor(quotient);
  return quotient - floor > T(0.5) ? floor + T(1) : floor;
}

}  // namespace chainrule::CHAINRULE_ISA
