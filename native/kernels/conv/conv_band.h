#pragma once

#include <vector>

#include "kernels/conv/conv_shape.h"

namespace chainrule::CHAINRULE_ISA {

// The taps [first, last) of an axis.
struct TapRange {
  int64_t first, last;
};

// One spatial axis of a convolution: result i is a sum over the taps of source[i * step + offset].
struct TapAxis {
  struct Tap {
    int64_t kernel, offset;
  };
  int64_t count, step;
  std::vector<Tap> taps;  // by rising offset

  int64_t low() const { return taps.empty() ? 0 : taps.front().offset; }
  int64_t reach() const { return taps.empty() ? 0 : taps.back().offset - low(); }
  bool inside(int64_t extent) const {
    return low() >= 0 && (count - 1) * step + low() + reach() < extent;
  }
  // The taps that lie within the source for the result at `index`.
  TapRange taps_inside(int64_t index, int64_t extent) const {
    const int64_t start = index * step;
    TapRange range{0, static_cast<int64_t>(taps.size())};
    while (range.first < range.last && start + taps[range.first].offset < 0) ++range.first;
    while (range.first < range.last && start + taps[range.last - 1].offset >= extent) --range.last;
    return range;
  }
  // The share of all results' taps that lie within the source.
  double share_inside(int64_t extent) const {
    int64_t seen = 0;
    for (int64_t i = 0; i < count; ++i) {
      const TapRange range = taps_inside(i, extent);
      seen += range.last - range.first;
    }
    return static_cast<double>(seen) / static_cast<double>(count * taps.size());
  }
  bool consecutive() const { return reach() + 1 == static_cast<int64_t>(taps.size()); }
  Band::Axis band_axis() const { return {count, step, reach()}; }
};

// The taps of a convolution along one axis.
inline TapAxis forward_axis(const ConvShape& s, int axis) {
  TapAxis result{axis == 0 ? s.out_height : s.out_width, s.stride[axis], {}};
  const int64_t kernel = axis == 0 ? s.kernel_height : s.kernel_width;
  for (int64_t k = 0; k < kernel; ++k) {
    result.taps.push_back({k, k * s.dilation[axis] - s.padding[axis]});
  }
  return result;
}

// Distances, in elements, between the images, rows and columns of a grid of pixels.
struct Steps {
  int64_t image, row, column;
};

// Strides of the weights: the weight of a tap is data[kernel_row * row + kernel_column * column +
// in_channel * in + out_channel * out + group_index * group], where channels count within their
// group.
struct WeightSteps {
  int64_t row, column, in, out, group;
};

// Sizes [images, height, width, channels] of the pixels that are read, the images by which the
// method is chosen, and the number of groups.
struct SourceShape {
  int64_t images, choice, height, width, channels, groups;
};

// Layout of the pixels that are written: `origin` and steps within the result, channels per pixel.
struct TargetLayout {
  int64_t origin;
  Steps steps;
  int64_t channels;
};

// Gives the taps a source without borders: the source itself if no tap leaves it, else a
// zero-padded copy of the current band.
template <typename T>
class BandReader {
 public:
  BandReader(int64_t height, int64_t width, int64_t channels, TapAxis rows, TapAxis columns,
             Band band)
      : height_(height),
        width_(width),
        channels_(channels),
        rows_(std::move(rows)),
        columns_(std::move(columns)),
        in_place_(rows_.inside(height) && columns_.inside(width)),
        padded_width_((columns_.count - 1) * columns_.step + columns_.reach() + 1),
        pitch_((in_place_ ? width : padded_width_) * channels),
        image_pitch_((in_place_ ? height : source_rows(band.rows)) * pitch_) {}

  Steps steps() const { return {image_pitch_, rows_.step * pitch_, columns_.step * channels_}; }

  // Offset from a result's first source pixel to the one under a tap.
  int64_t tap_offset(const TapAxis::Tap& row, const TapAxis::Tap& column) const {
    return (row.offset - rows_.low()) * pitch_ + (column.offset - columns_.low()) * channels_;
  }

  // The first source pixel of the result at [image, row, 0].
  const T* load(const T* source, int64_t image, int64_t images, int64_t row, int64_t rows,
                T* buffer) const {
    const int64_t top = row * rows_.step + rows_.low(), left = columns_.low();
    source += image * height_ * width_ * channels_;
    if (in_place_) return source + (top * width_ + left) * channels_;
    for (int64_t i = 0; i < images; ++i) {
      const T* plane = source + i * height_ * width_ * channels_;
      for (int64_t y = 0; y < source_rows(rows); ++y) {
        copy_row(plane, top + y, left, buffer + i * image_pitch_ + y * pitch_);
      }
    }
    return buffer;
  }

 private:
  int64_t source_rows(int64_t rows) const { return (rows - 1) * rows_.step + rows_.reach() + 1; }

  void copy_row(const T* plane, int64_t y, int64_t left, T* target) const {
    T* const end = target + pitch_;
    const int64_t first = std::clamp<int64_t>(left, 0, width_);
    const int64_t last = std::clamp<int64_t>(left + padded_width_, first, width_);
    if (y >= 0 && y < height_ && last > first) {
      target = std::fill_n(target, (first - left) * channels_, T(0));
      target = std::copy(plane + (y * width_ + first) * channels_,
                         plane + (y * width_ + last) * channels_, target);
    }
    std::fill(target, end, T(0));
  }

  int64_t height_, width_, channels_;
  TapAxis rows_, columns_;
  bool in_place_;
  int64_t padded_width_, pitch_, image_pitch_;
};

// Calls visit(image, images, row, rows) for each band of [images, rows].
template <typename Visit>
void for_each_band(const Band& band, int64_t images, int64_t rows, Visit visit) {
  for (int64_t image = 0; image < images; image += band.images) {
    for (int64_t row = 0; row < rows; row += band.rows) {
      visit(image, std::min(band.images, images - image), row, std::min(band.rows, rows - row));
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
