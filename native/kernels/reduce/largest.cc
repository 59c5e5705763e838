#include "kernels/reduce/largest.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/simd.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The bits of a number without its sign are an integer that grows with its magnitude, and those of
// NaN are above those of infinity. So the maximum takes no branch and forgets no NaN.
template <typename T, typename Bits>
double largest_of(const T* values, int64_t count) {
  constexpr Bits kMagnitude = std::numeric_limits<Bits>::max();
  constexpr int kLanes = kVectorBytes / sizeof(Bits), kVectors = 4;
  using Vector = typename VectorOf<Bits, kLanes>::type;

  // Several maxima, which do not wait for each other.
  Vector most[kVectors] = {};
  const T* at = values;
  const T* const end = values + count;
  for (; end - at >= kVectors * kLanes; at += kVectors * kLanes) {
    for (int i = 0; i < kVectors; ++i) {
      const Vector bits = *reinterpret_cast<const Vector*>(at + i * kLanes) & kMagnitude;
      most[i] = bits > most[i] ? bits : most[i];
    }
  }
  Bits highest = 0;
  for (int i = 1; i < kVectors; ++i) most[0] = most[i] > most[0] ? most[i] : most[0];
  for (int lane = 0; lane < kLanes; ++lane) {
    highest = most[0][lane] > highest ? most[0][lane] : highest;
  }
  for (; at < end; ++at) {
    const Bits bits = std::bit_cast<Bits>(*at) & kMagnitude;
    highest = bits > highest ? bits : highest;
  }

  const auto magnitude = static_cast<double>(std::bit_cast<T>(highest));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return magnitude < kInfinity ? magnitude : kInfinity;
}

template <typename T, typename Bits>
double largest_in_blocks(const T* values, int64_t count) {
  double most = 0;
  in_blocks(count, [&](int64_t first, int64_t n) {
    most = std::max(most, largest_of<T, Bits>(values + first, n));
  });
  return most;
}

}  // namespace

double largest(const float* values, int64_t count) {
  return largest_in_blocks<float, int32_t>(values, count);
}

double largest(const double* values, int64_t count) {
  return largest_in_blocks<double, int64_t>(values, count);
}

double largest(const std::byte* values, int64_t count, DType dtype) {
  return dtype == DType::kFloat32 ? largest(reinterpret_cast<const float*>(values), count)
                                  : largest(reinterpret_cast<const double*>(values), count);
}

}  // namespace chainrule::CHAINRULE_ISA
