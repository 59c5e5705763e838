#pragma once

#include "conv_tile.h"

// Convolutions of each channel by itself: no matrix products, but vectors over the channels, which
// are neighbours in memory.
namespace chainrule::CHAINRULE_ISA {

// How many pixels share the weights that they load.
inline constexpr int kChannelPixels = 4;
// How many taps' sums over the pixels share the gradient that they load.
inline constexpr int kChannelTaps = 9;

// Tap t reads a pixel's channels at offsets[t], and weights at weight_offsets[t].
struct ChannelTaps {
  const int64_t* offsets;
  const int64_t* weight_offsets;
  int64_t count, channels;
};

// to[p][c] = the sum over the taps of from[p][c] under the tap times the weight, for kVectors
// vectors of channels from c on.
template <typename T, int kPixels, int kLanes, int kVectors>
void multiply_channel_tile(const T* const* from, T* const* to, const ChannelTaps& taps,
                           const T* weight, int64_t c) {
  using Vector = typename VectorOf<T, kLanes>::type;
  const auto load = [](const T* at) { return *reinterpret_cast<const Vector*>(at); };
  Vector sums[kPixels][kVectors] = {};
  for (int64_t t = 0; t < taps.count; ++t) {
    const T* w = weight + taps.weight_offsets[t] + c;
    const int64_t offset = taps.offsets[t] + c;
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Vector weights = load(w + v * kLanes);
#pragma GCC unroll 4
      for (int p = 0; p < kPixels; ++p) sums[p][v] += load(from[p] + offset + v * kLanes) * weights;
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store<false, kLanes>(sums[p][v], to[p] + c + v * kLanes);
  }
}

// All channels from c on, the last ones in ever smaller vectors.
template <typename T, int kPixels, int kLanes, int kVectors>
void multiply_channels_from(const T* const* from, T* const* to, const ChannelTaps& taps,
                            const T* weight, int64_t c) {
  for (; c + kVectors * kLanes <= taps.channels; c += kVectors * kLanes) {
    multiply_channel_tile<T, kPixels, kLanes, kVectors>(from, to, taps, weight, c);
  }
  if constexpr (kVectors > 1) {
    multiply_channels_from<T, kPixels, kLanes, 1>(from, to, taps, weight, c);
  } else if constexpr (kLanes > 1) {
    if (c < taps.channels) {
      multiply_channels_from<T, kPixels, kLanes / 2, 1>(from, to, taps, weight, c);
    }
  }
}

// `pixels` of at most kPixels pixels.
template <typename T, int kPixels = kChannelPixels>
void multiply_channel_pixels(const T* const* from, T* const* to, int64_t pixels,
                             const ChannelTaps& taps, const T* weight) {
  constexpr int kLanes = kVectorBytes / sizeof(T);
  if constexpr (kPixels > 1) {
    if (pixels < kPixels) {
      return multiply_channel_pixels<T, kPixels - 1>(from, to, pixels, taps, weight);
    }
  }
  multiply_channels_from<T, kPixels, kLanes, 2>(from, to, taps, weight, 0);
}

// output[t][c] += the sum over all pixels of the source under tap t times the gradient, for one
// vector of channels from c on. The pixels are the walk's positions in the source, and follow one
// another in the gradient.
template <typename T, int kTaps, int kLanes>
void add_channel_tile(const T* from, const int64_t* offsets, const Walk& walk, const T* gradient,
                      int64_t channels, T* output) {
  using Vector = typename VectorOf<T, kLanes>::type;
  const auto load = [](const T* at) { return *reinterpret_cast<const Vector*>(at); };
  Vector sums[kTaps] = {};
  for (int64_t s = 0; s < walk.segments; ++s) {
    const T* x[kTaps];
    for (int t = 0; t < kTaps; ++t) x[t] = from + walk.offsets[s] + offsets[t];
    const int64_t end = walk.length * walk.step;
    for (int64_t k = 0; k != end; k += walk.step, gradient += channels) {
      const Vector slopes = load(gradient);
#pragma GCC unroll 9
      for (int t = 0; t < kTaps; ++t) sums[t] += load(x[t] + k) * slopes;
    }
  }
  for (int t = 0; t < kTaps; ++t) store<true, kLanes>(sums[t], output + t * channels);
}

template <typename T, int kTaps, int kLanes>
void add_channels_from(const T* from, const int64_t* offsets, const Walk& walk, const T* gradient,
                       int64_t channels, T* output, int64_t c) {
  for (; c + kLanes <= channels; c += kLanes) {
    add_channel_tile<T, kTaps, kLanes>(from + c, offsets, walk, gradient + c, channels, output + c);
  }
  if constexpr (kLanes > 1) {
    if (c < channels) {
      add_channels_from<T, kTaps, kLanes / 2>(from, offsets, walk, gradient, channels, output, c);
    }
  }
}

// `taps` of at most kTaps taps.
template <typename T, int kTaps = kChannelTaps>
void add_channel_taps(const T* from, const int64_t* offsets, int64_t taps, const Walk& walk,
                      const T* gradient, int64_t channels, T* output) {
  constexpr int kLanes = kVectorBytes / sizeof(T);
  if constexpr (kTaps > 1) {
    if (taps < kTaps) {
      return add_channel_taps<T, kTaps - 1>(from, offsets, taps, walk, gradient, channels, output);
    }
  }
  add_channels_from<T, kTaps, kLanes>(from, offsets, walk, gradient, channels, output, 0);
}

}  // namespace chainrule::CHAINRULE_ISA
