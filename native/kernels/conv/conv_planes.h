#pragma once

#include <array>
#include <utility>

#include "kernels/conv/conv_band.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/gemm/transpose.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// A correlation with few results per pixel, which would leave most lanes of a vector empty: here
// the lanes are neighbouring pixels of a row. The source is brought into planes, one for each
// channel. Sums have the same order as in other correlations, and so the same bits.
template <typename T>
class PlanarCorrelation {
 public:
  PlanarCorrelation(const SourceShape& source, TapAxis rows, TapAxis columns,
                    const TargetLayout& target, Band band)
      : source_(source),
        rows_(std::move(rows)),
        columns_(std::move(columns)),
        target_(target),
        results_(target.channels / source.groups),
        band_(band),
        pitch_(columns_.count + columns_.reach()),
        image_pitch_(source_rows(band.rows) * pitch_),
        plane_(odd_lines(band.images * image_pitch_)) {
    for (const TapAxis::Tap& row : rows_.taps) {
      for (const TapAxis::Tap& column : columns_.taps) {
        offsets_.push_back((row.offset - rows_.low()) * pitch_ + column.offset - columns_.low());
      }
    }
  }

  // True if this fills more lanes than panels of `width` lanes would, and the sums are long enough
  // to outweigh the planes. Panels also lose time with few channels, where their sums are short.
  bool pays(int64_t width) const {
    if (!possible()) return false;
    const int64_t lanes = (columns_.count + kLanes - 1) / kLanes * kLanes;
    const auto taps = static_cast<int64_t>(offsets_.size());
    const int64_t tenths = source_.channels / source_.groups < kFewChannels ? 11 : 15;
    return taps * results_ >= kLeastWork && 10 * columns_.count * width > tenths * results_ * lanes;
  }

  // Elements, for any instruction set: behind the planes, vectors may read a line more.
  int64_t workspace() const { return possible() ? source_.channels * plane_ + kLineElements : 0; }

  // The weight of a tap, a channel and a result is weights[(tap * channels + channel) * step +
  // result] within the `group_weights` elements of its group.
  void run(const T* source, const T* weights, int64_t step, int64_t group_weights, T* target,
           T* planes) const {
    AbortCheck check;
    const int64_t channels = source_.channels / source_.groups;
    const Multiply multiply = kMultiply[results_ - 1];
    for_each_band(
        band_, source_.images, rows_.count,
        [&](int64_t image, int64_t images, int64_t row, int64_t rows) {
          load(source, image, images, row, rows, planes);
          for (int64_t group = 0; group < source_.groups; ++group) {
            const Sums sums{offsets_.data(), static_cast<int64_t>(offsets_.size()), channels,
                            plane_,          weights + group * group_weights,       step};
            T* const to = target + target_.origin + image * target_.steps.image +
                          row * target_.steps.row + group * results_;
            multiply_band(planes + group * channels * plane_, to, images, rows, sums, multiply);
            check.after(product_work(images * rows * columns_.count, results_,
                                     channels * static_cast<int64_t>(offsets_.size())));
          }
        });
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  static constexpr int kMostResults = 6, kMostVectors = 4;
  static constexpr int64_t kLineElements = 64 / sizeof(T), kLeastWork = 9, kFewChannels = 8;
  using Vector = typename VectorOf<T, kLanes>::type;

  bool possible() const {
    return results_ >= 1 && results_ <= kMostResults && columns_.step == 1 && columns_.count > 0;
  }

  // The sums of so many vectors fit in registers beside the vectors themselves and one weight.
  static constexpr int vectors_of(int results) {
    return std::min(kMostVectors, (kRegisters - 1) / (results + 1));
  }

  // Planes that are an odd number of lines apart do not share the same sets of a cache.
  static int64_t odd_lines(int64_t elements) {
    return ((elements + kLineElements - 1) / kLineElements | 1) * kLineElements;
  }

  int64_t source_rows(int64_t rows) const { return (rows - 1) * rows_.step + rows_.reach() + 1; }

  // Copies a band into zero-padded planes [images, rows, pitch].
  void load(const T* source, int64_t image, int64_t images, int64_t row, int64_t rows,
            T* planes) const {
    const int64_t top = row * rows_.step + rows_.low();
    for (int64_t i = 0; i < images; ++i) {
      const T* from = source + (image + i) * source_.height * source_.width * source_.channels;
      for (int64_t y = 0; y < source_rows(rows); ++y) {
        load_row(from, top + y, planes + i * image_pitch_ + y * pitch_);
      }
    }
  }

  void load_row(const T* from, int64_t y, T* to) const {
    const int64_t left = columns_.low(), channels = source_.channels;
    const bool inside = y >= 0 && y < source_.height;
    const int64_t first = inside ? std::clamp<int64_t>(left, 0, source_.width) : 0;
    const int64_t last = inside ? std::clamp<int64_t>(left + pitch_, first, source_.width) : 0;
    const int64_t before = std::clamp<int64_t>(first - left, 0, pitch_), count = last - first;
    for (int64_t c = 0; c < channels; ++c) {
      std::fill_n(to + c * plane_, before, T(0));
      std::fill(to + c * plane_ + before + count, to + c * plane_ + pitch_, T(0));
    }
    if (count == 0) return;
    from += (y * source_.width + first) * channels;
    if (channels == 1) {
      std::copy_n(from, count, to + before);
    } else {
      transpose(from, 1, channels, channels, count, to + before, plane_);
    }
  }

  struct Sums {
    const int64_t* offsets;
    int64_t taps, channels, plane;
    const T* weights;
    int64_t step;
  };

  // A vector of pixels, and how many of them there are.
  struct Place {
    const T* from;
    T* to;
    int64_t count;
  };

  using Multiply = void (*)(const Place* places, int64_t count, int64_t column_step,
                            const Sums& sums);

  void multiply_band(const T* planes, T* target, int64_t images, int64_t rows, const Sums& sums,
                     Multiply multiply) const {
    const int64_t most = vectors_of(static_cast<int>(results_)), step = target_.steps.column;
    std::array<Place, kMostVectors> places;
    int64_t held = 0;
    for (int64_t i = 0; i < images; ++i) {
      for (int64_t y = 0; y < rows; ++y) {
        const T* from = planes + i * image_pitch_ + y * rows_.step * pitch_;
        T* to = target + i * target_.steps.image + y * target_.steps.row;
        for (int64_t x = 0; x < columns_.count; x += kLanes) {
          places[held++] = {from + x, to + x * step, std::min<int64_t>(kLanes, columns_.count - x)};
          if (held == most) multiply(places.data(), held, step, sums), held = 0;
        }
      }
    }
    if (held > 0) multiply(places.data(), held, step, sums);
  }

  // Sums of up to kVectors vectors of pixels.
  template <int kResults>
  static void multiply_places(const Place* places, int64_t count, int64_t column_step,
                              const Sums& s) {
    constexpr int kVectors = vectors_of(kResults);
    Vector sums[kVectors][kResults] = {};
    const T* from[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) from[v] = places[std::min<int64_t>(v, count - 1)].from;
    const T* weights = s.weights;
    for (int64_t tap = 0; tap < s.taps; ++tap) {
      int64_t at = s.offsets[tap];
      for (int64_t c = 0; c < s.channels; ++c, at += s.plane, weights += s.step) {
        Vector x[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          x[v] = hidden(*reinterpret_cast<const Vector*>(from[v] + at));
        }
#pragma GCC unroll 6
        for (int r = 0; r < kResults; ++r) {
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) sums[v][r] += x[v] * weights[r];
        }
      }
    }
    T lanes[kVectors][kResults][kLanes];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 6
      for (int r = 0; r < kResults; ++r) *reinterpret_cast<Vector*>(lanes[v][r]) = sums[v][r];
    }
    for (int64_t v = 0; v < count; ++v) {
      transpose(lanes[v][0], 1, kLanes, places[v].count, kResults, places[v].to, column_step);
    }
  }

  template <int... kResult>
  static constexpr std::array<Multiply, kMostResults> multiply_all(
      std::integer_sequence<int, kResult...>) {
    return {multiply_places<kResult + 1>...};
  }
  static constexpr auto kMultiply = multiply_all(std::make_integer_sequence<int, kMostResults>());

  SourceShape source_;
  TapAxis rows_, columns_;
  TargetLayout target_;
  int64_t results_;
  Band band_;
  int64_t pitch_, image_pitch_, plane_;
  std::vector<int64_t> offsets_;
};

}  // namespace chainrule::CHAINRULE_ISA
