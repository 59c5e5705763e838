#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/isa.h"

// Elementary functions that compilers can vectorise: no branches, no tables, no library calls.
// Errors stay below 2 units in the last place; infinities, NaN and subnormal numbers behave as in
// <cmath>.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
struct Format;

template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr int kMantissa = 23;
  static constexpr Bits kBias = 127;
  static constexpr float kRound =
      0x1.8p23f;  // adding it leaves the nearest integer in the low bits
  static constexpr float kExpLow = -104, kExpHigh = 89;
  static constexpr float kLn2High = 0x1.63p-1f, kLn2Low = -0x1.bd0106p-13f;
  static constexpr float kTrigonometricLimit = 1e5f;
};

template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr int kMantissa = 52;
  static constexpr Bits kBias = 1023;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kExpLow = -746, kExpHigh = 710;
  static constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kTrigonometricLimit = 1e5;
};

template <typename T>
using BitsOf = typename Format<T>::Bits;

// A polynomial by its coefficients, from the highest power down.
template <typename T, typename... Rest>
inline T polynomial(T x, T highest, Rest... lower) {
  ((highest = highest * x + static_cast<T>(lower)), ...);
  return highest;
}

// 2 to the integer n, which must be the exponent of a normal number.
template <typename T>
inline T power_of_two(T n) {
  using F = Format<T>;
  return std::bit_cast<T>((std::bit_cast<BitsOf<T>>(n + F::kRound) + F::kBias) << F::kMantissa);
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2 (in float a minimax fit that gives exp a relative
// error of 3e-9).
inline float exp_remainder(float r) {
  return polynomial(r, 1.3814222e-3f, 8.368899e-3f, 4.1668404e-2f, 1.666652e-1f, 4.9999994e-1f);
}

inline double exp_remainder(double r) {
  return polynomial(r, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                    1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6,
                    0.5);
}

// exp(x) as a product of a mantissa near 1 and a power of two, whose exponent is in the low bits
// with `bias` added to it.
template <typename T>
struct ScaledExp {
  T mantissa;
  BitsOf<T> exponent;
};

template <typename T>
inline ScaledExp<T> scaled_exp(T x, BitsOf<T> bias) {
  using F = Format<T>;
  const T round = F::kRound + T(bias), shifted = x * T(1.44269504088896340736) + round;
  const T n = shifted - round;
  const T r = (x - n * F::kLn2High) - n * F::kLn2Low;
  return {(r * exp_remainder(r) + T(1)) * r + T(1), std::bit_cast<BitsOf<T>>(shifted)};
}

// The power of two whose biased exponent is in the low bits.
template <typename T>
inline T from_exponent(BitsOf<T> exponent) {
  return std::bit_cast<T>(exponent << Format<T>::kMantissa);
}

template <typename T>
inline T exp(T x) {
  using F = Format<T>;
  x = x < F::kExpLow ? F::kExpLow : x;
  x = x > F::kExpHigh ? F::kExpHigh : x;
  const auto [mantissa, exponent] = scaled_exp(x, 2 * F::kBias);
  // Two factors, because 2^n alone may be out of range where the product is not.
  const BitsOf<T> half = exponent >> 1;
  return mantissa * from_exponent<T>(half) * from_exponent<T>(exponent - half);
}

// exp(x) where it and its inverse are normal numbers, |x| < 87.
template <typename T>
inline T moderate_exp(T x) {
  const auto [mantissa, exponent] = scaled_exp(x, Format<T>::kBias);
  return mantissa * from_exponent<T>(exponent);
}

// The series of log((1 + s) / (1 - s)) / s beyond its first term 2, in z = s^2 (fdlibm's
// coefficients).
inline float log_remainder(float z) {
  return z * polynomial(z, 0.24279078841f, 0.28498786688f, 0.40000972152f, 0.66666662693f);
}

inline double log_remainder(double z) {
  return z * polynomial(z, 1.479819860511658591e-01, 1.531383769920937332e-01,
                        1.818357216161805012e-01, 2.222219843214978396e-01,
                        2.857142874366239149e-01, 3.999999999940941908e-01,
                        6.666666666666735130e-01);
}

template <typename T>
inline T log(T x) {
  using F = Format<T>;
  using Limits = std::numeric_limits<T>;
  constexpr BitsOf<T> kOne = std::bit_cast<BitsOf<T>>(T(1));
  constexpr BitsOf<T> kRootHalf = std::bit_cast<BitsOf<T>>(T(0.70710678118654752440));
  constexpr T kLift = T(BitsOf<T>(1) << F::kMantissa);

  const bool subnormal = x < Limits::min();
  const BitsOf<T> bits = std::bit_cast<BitsOf<T>>(subnormal ? x * kLift : x) + (kOne - kRootHalf);
  const T exponent =
      std::bit_cast<T>((bits >> F::kMantissa) + std::bit_cast<BitsOf<T>>(F::kRound)) -
      (F::kRound + T(F::kBias)) - (subnormal ? T(F::kMantissa) : T(0));
  constexpr BitsOf<T> kMask = (BitsOf<T>(1) << F::kMantissa) - 1;
  const T f = std::bit_cast<T>((bits & kMask) + kRootHalf) - T(1);

  const T s = f / (T(2) + f);
  const T half_square = T(0.5) * f * f;
  const T tail = s * (half_square + log_remainder(s * s)) + exponent * F::kLn2Low;
  T result = exponent * F::kLn2High - ((half_square - tail) - f);
  result = x < Limits::infinity() ? result : x;  // infinity and NaN
  result = x == T(0) ? -Limits::infinity() : result;
  return x < T(0) ? Limits::quiet_NaN() : result;
}

template <typename T>
inline T sigmoid(T x) {
  return T(1) / (T(1) + exp(-x));
}

// tanh(x) / x - 1 for |x| < 0.625, in z = x^2 (Cephes).
inline float tanh_remainder(float z) {
  return z * polynomial(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f,
                        1.33314422036e-1f, -3.33332819422e-1f);
}

inline double tanh_remainder(double z) {
  return z *
         polynomial(z, -9.64399179425052238628e-1, -9.92877231001918586564e1,
                    -1.61468768441708447952e3) /
         polynomial(z, 1.0, 1.12811678491632931402e2, 2.23548839060100448583e3,
                    4.84406305325125486048e3);
}

template <typename T>
inline T tanh(T x) {
  const T magnitude = std::abs(x);
  const T small = x + x * tanh_remainder(x * x);
  // From 20 on, the nearest number is 1.
  const T clipped = magnitude > T(20) ? T(20) : magnitude;
  const T large = T(1) - T(2) / (moderate_exp(clipped + clipped) + T(1));
  return magnitude < T(0.625) ? small : std::copysign(large, x);
}

// An angle minus its nearest multiple of pi / 2, and the number of that multiple. Accurate up to
// Format::kTrigonometricLimit.
struct Quadrant {
  double remainder, number;
};

inline Quadrant quadrant(double x) {
  constexpr double kRound = Format<double>::kRound;
  const double n = (x * 0.63661977236758134308 + kRound) - kRound;
  const double high = x - n * 0x1.921fb544p0;
  return {(high - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69, n};
}

inline float sin_near_zero(float r) {
  const float z = r * r;
  return r + r * z * polynomial(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
}

inline double sin_near_zero(double r) {
  const double z = r * r;
  return r + r * z *
                 polynomial(z, 1.58969099521155010221e-10, -2.50507602534068634195e-08,
                            2.75573137070700676789e-06, -1.98412698298579493134e-04,
                            8.33333333332248946124e-03, -1.66666666666666324348e-01);
}

inline float cos_near_zero(float r) {
  const float z = r * r;
  return (1.0f - 0.5f * z) +
         z * z *
             polynomial(z, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
}

inline double cos_near_zero(double r) {
  const double z = r * r;
  return (1.0 - 0.5 * z) + z * z *
                               polynomial(z, -1.13596475577881948265e-11,
                                          2.08757232129817482790e-09, -2.75573143513906633035e-07,
                                          2.48015872894767294178e-05, -1.38888888888741095749e-03,
                                          4.16666666666666019037e-02);
}

// sin(x + shift * pi / 2), so that cos is sin shifted by one quadrant.
template <typename T>
inline T shifted_sin(T x, double shift) {
  const Quadrant at = quadrant(static_cast<double>(x));
  const T r = static_cast<T>(at.remainder);
  // n mod 4 in floating point, which every instruction set supports on vectors.
  const T n = static_cast<T>(at.number + shift);
  constexpr T kRound = Format<T>::kRound;
  const T turn = n - T(4) * ((n * T(0.25) + kRound) - kRound);  // -2 ... 2
  const bool odd = std::abs(turn) == T(1);
  const bool negative = std::abs(turn) == T(2) || turn == T(-1);
  const T value = odd ? cos_near_zero(r) : sin_near_zero(r);
  return negative ? -value : value;
}

template <typename T>
inline T sin(T x) {
  return shifted_sin(x, 0);
}

template <typename T>
inline T cos(T x) {
  return shifted_sin(x, 1);
}

}  // namespace chainrule::CHAINRULE_ISA
