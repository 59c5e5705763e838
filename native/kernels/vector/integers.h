#pragma once

#include "kernels/vector/math.h"
#include "kernels/vector/remainder.h"

// Arithmetic on whole numbers in double, which wraps around as that of int32 or uint8 does. Inputs
// are in the range of the type, and so is each result, which is never -0.
namespace chainrule::CHAINRULE_ISA {

// The nearest whole number, for numbers that are not too large for it.
template <typename T>
inline T nearest(T x) {
  constexpr T kRound = Format<T>::kRound;
  return (x + kRound) - kRound;
}

// The number from -2^31 to 2^31 - 1 that differs from a whole one below 2^53 by a multiple of 2^32.
template <typename T>
inline T wrap_int32(T x) {
  constexpr T kSpan = T(4294967296.0);
  const T rest = x - nearest(x * (1 / kSpan)) * kSpan;
  return rest >= kSpan / 2 ? rest - kSpan : rest + T(0);
}

// The number from 0 to 255 that differs from a whole one by a multiple of 256.
template <typename T>
inline T wrap_uint8(T x) {
  const T rest = x - nearest(x * (T(1) / 256)) * T(256);
  return rest < T(0) ? rest + T(256) : rest + T(0);
}

// The product of two int32. That of all bits needs 62 of them, so the left one is cut in two.
template <typename T>
inline T multiply_int32(T a, T b) {
  constexpr T kHalf = T(65536);
  const T high = nearest(a * (1 / kHalf)), low = a - high * kHalf;
  return wrap_int32(wrap_int32(high * b) * kHalf + low * b);
}

// The whole part, from -2^31 to 2^31 - 1: numbers beyond become the nearest of these, and NaN 0.
template <typename T>
inline T to_int32(T x) {
  constexpr T kLow = T(-2147483648.0), kHigh = T(2147483647.0);
  const T known = x == x ? x : T(0);
  const T clipped = known < kLow ? kLow : (known > kHigh ? kHigh : known);
  return std::trunc(clipped) + T(0);
}

}  // namespace chainrule::CHAINRULE_ISA
