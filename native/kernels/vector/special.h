#pragma once

#include "kernels/vector/math.h"

// Further functions that compilers can vectorise in single precision, with the accuracy of math.h.
// Double precision calls the library.
namespace chainrule::CHAINRULE_ISA {

// A number for functions of the library, which read its bits: 0 for a subnormal one, if this thread
// takes those for 0.
template <typename T>
inline T flushed(T x) {
  return x == T(0) ? std::copysign(T(0), x) : x;
}

inline double erf(double x) { return std::erf(x); }
inline double expm1(double x) { return std::expm1(x); }
inline double log1p(double x) { return std::log1p(x); }

// erf(x) / x - 1 for |x| < 0.9375, in z = x^2 (a minimax fit of relative error 1.9e-8).
inline float erf_remainder(float z) {
  return polynomial(z, -5.919419e-4f, 4.9791303e-3f, -2.6757035e-2f, 1.1281552e-1f, -3.7612468e-1f,
                    1.2837915e-1f);
}

// log2(1 - erf(x)) for 0.9375 <= x <= 3.95 (a minimax fit that gives erf a relative error
// of 2.3e-8).
inline float erf_exponent(float x) {
  return polynomial(x, -1.7625274e-3f, 2.2138024e-2f, -1.3041063e-1f, -9.403792e-1f, -1.6149757f,
                    -3.0265697e-3f);
}

// 2^x to a relative error of 1.5e-7; the result must be a normal number.
inline float rough_exp2(float x) {
  constexpr float kRound = Format<float>::kRound + Format<float>::kBias;
  const float shifted = x + kRound, r = x - (shifted - kRound);
  const float mantissa =
      polynomial(r, 1.3264727e-3f, 9.671513e-3f, 5.5507336e-2f, 2.4022242e-1f, 6.93147e-1f, 1.0f);
  return mantissa * from_exponent<float>(std::bit_cast<uint32_t>(shifted));
}

inline float erf(float x) {
  const float magnitude = std::abs(x);
  const float small = x + x * erf_remainder(x * x);
  // From 3.95 on, the nearest float is 1.
  const float large = 1.0f - rough_exp2(erf_exponent(magnitude > 3.95f ? 3.95f : magnitude));
  return magnitude < 0.9375f ? small : std::copysign(large, x);
}

inline float expm1(float x) {
  using F = Format<float>;
  const float clipped = x < F::kExpLow ? F::kExpLow : (x > F::kExpHigh ? F::kExpHigh : x);
  const float n = (clipped * 1.44269504088896340736f + F::kRound) - F::kRound;
  const float r = (clipped - n * F::kLn2High) - n * F::kLn2Low;
  const float mantissa = (r * r) * exp_remainder(r) + r;
  // 2^n (1 + mantissa) - 1 in an order without cancellation; 2^n alone may be out of range.
  const float half = (n * 0.5f + F::kRound) - F::kRound, rest = n - half;
  const float scale = power_of_two(half);
  const float result = (mantissa * scale + (scale - power_of_two(-rest))) * power_of_two(rest);
  return x == 0.0f ? x : result;  // keeps the sign of zero
}

inline float log1p(float x) {
  const float sum = 1.0f + x;
  // The rounding error of the sum, to first order.
  const float lost = (x - (sum - 1.0f)) / sum;
  const float value = log(sum);
  const bool finite = sum > 0.0f && sum < std::numeric_limits<float>::infinity();
  return x == 0.0f ? x : (finite ? value + lost : value);
}

}  // namespace chainrule::CHAINRULE_ISA
