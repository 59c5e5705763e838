#pragma once

#include "kernels/simd.h"

// Winograd's minimal filtering F(4x4, 3x3): a tile of 4 x 4 results of a 3 x 3 convolution takes 36
// products of transformed numbers instead of 144. Its transforms evaluate polynomials at the points
// 0, +-1/sqrt(2), +-sqrt(2) and infinity. These keep all numbers of one magnitude: errors are about
// 1.5 times those of a direct sum, where the usual 0, +-1, +-2 make them 8 times as large.
namespace chainrule::CHAINRULE_ISA {

inline constexpr int64_t kTileSide = 4, kPatchSide = 6, kPositions = 36;

template <typename T, int kLanes>
using VectorAt = typename VectorOf<T, kLanes>::type;

template <int kLanes, typename T>
VectorAt<T, kLanes> load_vector(const T* from) {
  return *reinterpret_cast<const VectorAt<T, kLanes>*>(from);
}

template <int kLanes, typename T>
void store_vector(const VectorAt<T, kLanes>& value, T* to) {
  *reinterpret_cast<VectorAt<T, kLanes>*>(to) = value;
}

// The transforms of one axis, on vectors over the channels. No sum has two products that are not
// exact: a compiler might fuse the addition with either of them, and does not choose the same one
// wherever it inlines this.
template <typename T, int kLanes>
struct Winograd {
  using V = VectorAt<T, kLanes>;
  static constexpr T kNear = T(0.70710678118654752), kFar = T(1.41421356237309505);

  // Pairs of points that can be computed separately, so that everything fits in registers.
  enum Pair { kEnds, kNearPoints, kFarPoints };
  // Indices of a pair's values among the six.
  static constexpr int first_of(int pair) { return pair == kEnds ? 0 : 2 * pair - 1; }
  static constexpr int second_of(int pair) { return pair == kEnds ? 5 : 2 * pair; }

  // Evaluates six pixels at a pair of points.
  template <int kPair>
  static void patch_pair(const V* x, V& first, V& second) {
    if constexpr (kPair == kEnds) {
      first = x[0] + x[4] - T(2.5) * x[2];
      second = x[1] + x[5] - T(2.5) * x[3];
    } else {
      constexpr T kOther = kPair == kNearPoints ? T(2) : T(0.5);
      const V even = x[4] - kOther * x[2], odd = x[3] - kOther * x[1];
      constexpr T kPoint = kPair == kNearPoints ? kNear : kFar;
      first = even + kPoint * odd;
      second = even - kPoint * odd;
    }
  }

  // Evaluates six pixels at the six points.
  static void patch(const V* x, V* y) {
    patch_pair<kEnds>(x, y[0], y[5]);
    patch_pair<kNearPoints>(x, y[1], y[2]);
    patch_pair<kFarPoints>(x, y[3], y[4]);
  }

  // Evaluates three weights at the six points.
  static void kernel(const V* g, V* y) {
    const V near_even = T(2) * g[0] + g[2], far_even = g[0] + T(2) * g[2];
    y[0] = g[0];
    y[1] = T(-1.0 / 3) * (near_even + kFar * g[1]);
    y[2] = T(-1.0 / 3) * (near_even - kFar * g[1]);
    y[3] = T(1.0 / 6) * (far_even + kFar * g[1]);
    y[4] = T(1.0 / 6) * (far_even - kFar * g[1]);
    y[5] = g[2];
  }

  // The transpose of `kernel`: maps six values to the gradients of three weights.
  static void kernel_gradient(const V* y, V* g) {
    const V near_sum = y[1] + y[2], near_difference = y[2] - y[1];
    const V far_sum = y[3] + y[4], far_difference = y[3] - y[4];
    g[0] = y[0] - T(2.0 / 3) * near_sum + T(1.0 / 6) * far_sum;
    g[1] = T(2.0 / 3) * kNear * (near_difference + T(0.5) * far_difference);
    g[2] = y[5] - T(1.0 / 3) * near_sum + T(1.0 / 3) * far_sum;
  }

  // Maps six values at the points to four results.
  static void result(const V* m, V* y) {
    const V near_sum = m[1] + m[2], near_difference = m[1] - m[2];
    const V far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    y[0] = m[0] + near_sum + far_sum;
    y[1] = kNear * (near_difference + T(2) * far_difference);
    y[2] = T(0.5) * near_sum + T(2) * far_sum;
    y[3] = m[5] + T(0.5) * kNear * near_difference + T(2) * kFar * far_difference;
  }

  // The transpose of `result`: maps the gradients of four results to values at the points.
  static void result_gradient(const V* y, V* m) {
    const V near_even = y[0] + T(0.5) * y[2], near_odd = kNear * (y[1] + T(0.5) * y[3]);
    const V far_even = y[0] + T(2) * y[2], far_odd = kFar * (y[1] + T(2) * y[3]);
    m[0] = y[0];
    m[1] = near_even + near_odd;
    m[2] = near_even - near_odd;
    m[3] = far_even + far_odd;
    m[4] = far_even - far_odd;
    m[5] = y[3];
  }
};

// Calls visit.operator()<lanes>(channel) for vectors that cover the channels, with smaller vectors
// at the end.
template <int kLanes, typename Visit>
void for_each_vector(int64_t channel, int64_t channels, const Visit& visit) {
  for (; channel + kLanes <= channels; channel += kLanes)
    visit.template operator()<kLanes>(channel);
  if constexpr (kLanes > 1) for_each_vector<kLanes / 2>(channel, channels, visit);
}

template <int kPair, int kLanes, typename T>
void transform_patch_pair(const T* const* pixels, int64_t channel, T* out, int64_t step) {
  using V = VectorAt<T, kLanes>;
  using Axis = Winograd<T, kLanes>;
  V first[kPatchSide], second[kPatchSide];
#pragma GCC unroll 6
  for (int i = 0; i < kPatchSide; ++i) {
    V x[kPatchSide];
#pragma GCC unroll 6
    for (int j = 0; j < kPatchSide; ++j) {
      if (kPair == Axis::kEnds || (j > 0 && j < 5)) {
        x[j] = load_vector<kLanes>(pixels[i * kPatchSide + j] + channel);
      }
    }
    Axis::template patch_pair<kPair>(x, first[i], second[i]);
  }
  const auto finish = [&](const V* column, T* to) {
    V y[kPatchSide];
    Axis::patch(column, y);
#pragma GCC unroll 6
    for (int i = 0; i < kPatchSide; ++i) store_vector<kLanes>(y[i], to + i * kPatchSide * step);
  };
  finish(first, out + Axis::first_of(kPair) * step);
  finish(second, out + Axis::second_of(kPair) * step);
}

// Computes the 36 values of a patch for the channels of one vector: position p goes to out[p *
// step].
template <int kLanes, typename T>
void transform_patch(const T* const* pixels, int64_t channel, T* out, int64_t step) {
  transform_patch_pair<0, kLanes>(pixels, channel, out, step);
  transform_patch_pair<1, kLanes>(pixels, channel, out, step);
  transform_patch_pair<2, kLanes>(pixels, channel, out, step);
}

// Computes the 36 values of 3 x 3 kernels, one kernel in each lane: the weights of adjacent taps
// are `row` and `column` elements apart.
template <int kLanes, typename T>
void transform_kernel(const T* weights, int64_t row, int64_t column, T* out, int64_t step) {
  using V = VectorAt<T, kLanes>;
  V rows[3][kPatchSide];
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    V taps[3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) taps[j] = load_vector<kLanes>(weights + i * row + j * column);
    Winograd<T, kLanes>::kernel(taps, rows[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < kPatchSide; ++j) {
    const V values[3] = {rows[0][j], rows[1][j], rows[2][j]};
    V y[kPatchSide];
    Winograd<T, kLanes>::kernel(values, y);
#pragma GCC unroll 6
    for (int i = 0; i < kPatchSide; ++i)
      store_vector<kLanes>(y[i], out + (i * kPatchSide + j) * step);
  }
}

// The part of a tile that lies within the image.
struct TileSize {
  int64_t rows, columns;
};

// Computes the results of a tile from its 36 sums, for the channels of one vector.
template <int kLanes, typename T>
void transform_result(const T* sums, int64_t step, T* target, int64_t row, int64_t column,
                      TileSize size) {
  using V = VectorAt<T, kLanes>;
  V half[kTileSide][kPatchSide];
#pragma GCC unroll 6
  for (int j = 0; j < kPatchSide; ++j) {
    V m[kPatchSide], y[kTileSide];
#pragma GCC unroll 6
    for (int i = 0; i < kPatchSide; ++i)
      m[i] = load_vector<kLanes>(sums + (i * kPatchSide + j) * step);
    Winograd<T, kLanes>::result(m, y);
#pragma GCC unroll 4
    for (int i = 0; i < kTileSide; ++i) half[i][j] = y[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTileSide; ++i) {
    if (i >= size.rows) return;
    V y[kTileSide];
    Winograd<T, kLanes>::result(half[i], y);
#pragma GCC unroll 4
    for (int j = 0; j < kTileSide; ++j) {
      if (j < size.columns) store_vector<kLanes>(y[j], target + i * row + j * column);
    }
  }
}

// Computes the 36 values of the gradients of a tile's results, which `pixels` lists row by row.
template <int kLanes, typename T>
void transform_result_gradient(const T* const* pixels, int64_t channel, T* out, int64_t step) {
  using V = VectorAt<T, kLanes>;
  V half[kTileSide][kPatchSide];
#pragma GCC unroll 4
  for (int i = 0; i < kTileSide; ++i) {
    V y[kTileSide];
#pragma GCC unroll 4
    for (int j = 0; j < kTileSide; ++j) {
      y[j] = load_vector<kLanes>(pixels[i * kTileSide + j] + channel);
    }
    Winograd<T, kLanes>::result_gradient(y, half[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < kPatchSide; ++j) {
    const V column[kTileSide] = {half[0][j], half[1][j], half[2][j], half[3][j]};
    V m[kPatchSide];
    Winograd<T, kLanes>::result_gradient(column, m);
#pragma GCC unroll 6
    for (int i = 0; i < kPatchSide; ++i)
      store_vector<kLanes>(m[i], out + (i * kPatchSide + j) * step);
  }
}

// Computes the gradients of 3 x 3 weights from those of their 36 values; tap t goes to target[t *
// tap].
template <int kLanes, typename T>
void transform_kernel_gradient(const T* sums, int64_t step, T* target, int64_t tap) {
  using V = VectorAt<T, kLanes>;
  V half[3][kPatchSide];
#pragma GCC unroll 6
  for (int j = 0; j < kPatchSide; ++j) {
    V m[kPatchSide], g[3];
#pragma GCC unroll 6
    for (int i = 0; i < kPatchSide; ++i)
      m[i] = load_vector<kLanes>(sums + (i * kPatchSide + j) * step);
    Winograd<T, kLanes>::kernel_gradient(m, g);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) half[i][j] = g[i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    V g[3];
    Winograd<T, kLanes>::kernel_gradient(half[i], g);
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) store_vector<kLanes>(g[j], target + (3 * i + j) * tap);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
