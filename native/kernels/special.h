#pragma once

#include "math.h"

// Further functions that compilers can vectorise in single precision, with the accuracy of math.h.
// Double precision calls the library.
namespace chainrule::CHAINRULE_ISA {

inline double erf(double x) { return std::erf(x); }
inline double expm1(double x) { return std::expm1(x); }
inline double log1p(double x) { return std::log1p(x); }

// erf(x) / x - 1 for |x| < 0.9375, in z = x^2 (a minimax fit of relative error 5e-10).
inline float erf_remainder(float z) {
  return polynomial(z, 8.267451544e-5f, -8.118072712e-4f, 5.198829575e-3f, -2.685849694e-2f,
                    1.128367897e-1f, -3.761263264e-1f, 1.28379167e-1f);
}

// -log(1 - erf(x)) for 0.9375 <= x <= 4 (a minimax fit that gives erf a relative error of 1.5e-9).
inline float erf_exponent(float x) {
  return polynomial(x, -1.950688457e-4f, 3.034686921e-3f, -2.219286243e-2f, 1.038608216e-1f,
                    6.372630403e-1f, 1.127627551f, 2.073357596e-4f);
}

inline float erf(float x) {
  const float magnitude = std::abs(x);
  const float small = x + x * erf_remainder(x * x);
  // From 4 on, the nearest float is 1.
  const float large = 1.0f - exp(-erf_exponent(magnitude > 4.0f ? 4.0f : magnitude));
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
  // What the rounding of the sum has lost, to first order.
  const float lost = (x - (sum - 1.0f)) / sum;
  const float value = log(sum);
  const bool finite = sum > 0.0f && sum < std::numeric_limits<float>::infinity();
  return x == 0.0f ? x : (finite ? value + lost : value);
}

}  // namespace chainrule::CHAINRULE_ISA
