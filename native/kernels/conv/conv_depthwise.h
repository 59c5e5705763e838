#pragma once

#include "kernels/conv/conv_band.h"
#include "kernels/gemm/gemm_tile.h"
#include "sync/abort.h"

// Depthwise convolutions: no matrix products, but vectors over the channels, which are contiguous
// in memory.
namespace chainrule::CHAINRULE_ISA {

// Number of taps whose sums over the pixels share each load of the gradient.
inline constexpr int kChannelTaps = 9;

// target[n, i, j, c] = sum over the taps of source[n, i * step + offset, j * step + offset, c]
// times the tap's weight: a Correlation with groups of one channel. Taps outside the source are
// skipped, so that it is read in place.
template <typename T>
class ChannelCorrelation {
 public:
  using Element = T;

  ChannelCorrelation(const SourceShape& source, TapAxis rows, TapAxis columns,
                     const TargetLayout& target, WeightSteps weight_steps, int64_t, const Band&)
      : source_(source),
        rows_(std::move(rows)),
        columns_(std::move(columns)),
        target_(target),
        pixel_(columns_.step * source.channels) {
    for (const TapAxis::Tap& row : rows_.taps) {
      for (const TapAxis::Tap& column : columns_.taps) {
        offsets_.push_back((row.offset * source.width + column.offset) * source.channels);
        weight_offsets_.push_back(row.kernel * weight_steps.row +
                                  column.kernel * weight_steps.column);
      }
    }
    const int64_t low = columns_.low(), high = low + columns_.reach(), step = columns_.step;
    const int64_t left = low < 0 ? (step - 1 - low) / step : 0;
    const int64_t end = high < source.width ? (source.width - 1 - high) / step + 1 : 0;
    first_ = std::min(left, columns_.count);
    last_ = std::clamp(end, first_, columns_.count);
  }

  // Everything is read in place.
  int64_t packed_elements() const { return 0; }
  int64_t workspace(bool) const { return 0; }
  void pack(const T*, T*) const {}
  void multiply(const T* source, const T* weight, T* target, T* workspace) const {
    run(source, weight, target, workspace);
  }

  void run(const T* source, const T* weight, T* target, T*) const {
    const auto taps = static_cast<int64_t>(offsets_.size());
    AbortCheck check;
    for (int64_t image = 0; image < source_.images; ++image) {
      for (int64_t i = 0; i < rows_.count; ++i) {
        const int64_t top = image * source_.height + i * rows_.step;
        const Line line{
            source, top * source_.width * source_.channels, weight,
            target + target_.origin + image * target_.steps.image + i * target_.steps.row,
            rows_.taps_inside(i, source_.height)};
        multiply_line(line);
        check.after(product_work(columns_.count, source_.channels, taps));
      }
    }
  }

 private:
  static constexpr int kWide = kVectorBytes / sizeof(T);
  // Number of pixels that share each load of the weights. A single pixel takes more vectors at
  // once, so that its sums need not wait for each other.
  static constexpr int kPixels = 4;

  // One row of results: the source element that its first pixel's offsets count from, and the rows
  // of taps that lie inside the source.
  struct Line {
    const T* source;
    int64_t from;
    const T* weight;
    T* target;
    TapRange rows;
  };

  void multiply_line(const Line& line) const {
    const TapRange all{0, static_cast<int64_t>(columns_.taps.size())};
    int64_t j = 0;
    for (; j < first_; ++j) {
      multiply_pixels<1, kWide, 4>(line, j, columns_.taps_inside(j, source_.width), 0);
    }
    for (; j + kPixels <= last_; j += kPixels) multiply_pixels<kPixels, kWide, 2>(line, j, all, 0);
    for (; j < last_; ++j) multiply_pixels<1, kWide, 4>(line, j, all, 0);
    for (; j < columns_.count; ++j) {
      multiply_pixels<1, kWide, 4>(line, j, columns_.taps_inside(j, source_.width), 0);
    }
  }

  // Computes the pixels from column j on, for the channels from c on, with smaller vectors at the
  // end.
  template <int kCount, int kLanes, int kVectors>
  void multiply_pixels(const Line& line, int64_t j, TapRange columns, int64_t c) const {
    for (; c + kVectors * kLanes <= source_.channels; c += kVectors * kLanes) {
      multiply_tile<kCount, kLanes, kVectors>(line, j, columns, c);
    }
    if constexpr (kVectors > 1) {
      multiply_pixels<kCount, kLanes, kVectors / 2>(line, j, columns, c);
    } else if constexpr (kLanes > 1) {
      if (c < source_.channels) multiply_pixels<kCount, kLanes / 2, 1>(line, j, columns, c);
    }
  }

  template <int kCount, int kLanes, int kVectors>
  void multiply_tile(const Line& line, int64_t j, TapRange columns, int64_t c) const {
    using Vector = typename VectorOf<T, kLanes>::type;
    const auto load = [](const T* at) { return *reinterpret_cast<const Vector*>(at); };
    const auto row = static_cast<int64_t>(columns_.taps.size());
    const int64_t from = line.from + j * pixel_ + c;
    Vector sums[kCount][kVectors] = {};
    for (int64_t r = line.rows.first; r < line.rows.last; ++r) {
      for (int64_t t = r * row + columns.first; t < r * row + columns.last; ++t) {
        const T* x = line.source + (from + offsets_[t]);
        const T* w = line.weight + weight_offsets_[t] + c;
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          const Vector weights = load(w + v * kLanes);
#pragma GCC unroll 4
          for (int p = 0; p < kCount; ++p) {
            sums[p][v] += load(x + p * pixel_ + v * kLanes) * weights;
          }
        }
      }
    }
    T* to = line.target + j * target_.steps.column + c;
#pragma GCC unroll 4
    for (int p = 0; p < kCount; ++p, to += target_.steps.column) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) store<false, kLanes>(sums[p][v], to + v * kLanes);
    }
  }

  SourceShape source_;
  TapAxis rows_, columns_;
  TargetLayout target_;
  int64_t pixel_;         // distance between the sources of adjacent pixels
  int64_t first_, last_;  // the columns whose taps all lie inside
  std::vector<int64_t> offsets_, weight_offsets_;
};

// output[t][c] += the sum over all pixels of the source under tap t times the gradient, for one
// vector of channels from c on. The pixels are the walk's positions in the source, and contiguous
// in the gradient.
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

// Adds the first `taps` taps, at most kTaps.
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
