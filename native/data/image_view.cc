#include "data/image_view.h"

#include <algorithm>

namespace chainrule {
namespace {

// The pixels of a view: the address of the first, and the distances between neighbours.
template <typename T>
struct Pixels {
  explicit Pixels(const ImageView& image) {
    const auto [height, width, channels] = image.shape;
    origin = reinterpret_cast<const T*>(image.data);
    step_y = width * channels;
    step_x = channels;
    if (image.flip_y) {
      origin += (height - 1) * step_y;
      step_y = -step_y;
    }
    if (image.flip_x) {
      origin += (width - 1) * step_x;
      step_x = -step_x;
    }
  }

  const T* at(int64_t y, int64_t x) const { return origin + y * step_y + x * step_x; }

  const T* origin;
  int64_t step_y, step_x;
};

template <typename Function>
void with_pixels(const ImageView& image, Function function) {
  switch (image.dtype) {
    case DType::kFloat32:
      return function(Pixels<float>(image));
    case DType::kFloat64:
      return function(Pixels<double>(image));
    case DType::kInt32:
      return function(Pixels<int32_t>(image));
    default:
      return function(Pixels<uint8_t>(image));
  }
}

// Maps a position on one axis into 0 ... size - 1; -1 for a constant.
int64_t inside(int64_t at, int64_t size, Beyond beyond) {
  if (at >= 0 && at < size) return at;
  switch (beyond) {
    case Beyond::kEdge:
      return at < 0 ? 0 : size - 1;
    case Beyond::kReflect:
      return at < 0 ? -at : 2 * (size - 1) - at;
    case Beyond::kSymmetric:
      return at < 0 ? -1 - at : 2 * size - 1 - at;
    default:
      return -1;
  }
}

// Copies pixels to adjacent pixels of the output, stepping backwards through a mirrored image.
template <int kChannels, typename T>
void copy_mirrored(const T* from, int64_t channels, int64_t count, float* to) {
  const int64_t n = kChannels > 0 ? kChannels : channels;
  for (int64_t x = 0; x < count; ++x, from -= n, to += n) {
    for (int64_t c = 0; c < n; ++c) to[c] = static_cast<float>(from[c]);
  }
}

template <typename T>
void copy_pixels(const Pixels<T>& pixels, const T* from, int64_t channels, int64_t count,
                 float* to) {
  if (pixels.step_x > 0) {
    for (int64_t i = 0; i < count * channels; ++i) to[i] = static_cast<float>(from[i]);
  } else if (channels == 1) {
    copy_mirrored<1>(from, channels, count, to);
  } else if (channels == 3) {
    copy_mirrored<3>(from, channels, count, to);
  } else {
    copy_mirrored<0>(from, channels, count, to);
  }
}

// Avoids std::floor, which is a call for processors without an instruction for it.
int64_t floor_of(double number) {
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) > number ? whole - 1 : whole;
}

// One corner of a bilinear interpolation.
template <typename T>
float value_at(const Pixels<T>& pixels, const ImageShape& shape, int64_t y, int64_t x, int64_t c,
               float fill) {
  const bool within = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
  return within ? static_cast<float>(pixels.at(y, x)[c]) : fill;
}

}  // namespace

void copy_window(const ImageView& image, int64_t top, int64_t left, Beyond beyond, float fill,
                 ImageShape window, float* output) {
  const auto [height, width, channels] = image.shape;
  // The columns of the window that lie within the image.
  const int64_t begin = std::clamp<int64_t>(-left, 0, window.width);
  const int64_t end = std::clamp<int64_t>(width - left, begin, window.width);
  with_pixels(image, [&, height = height, width = width, channels = channels](const auto& pixels) {
    float* row = output;
    for (int64_t y = 0; y < window.height; ++y, row += window.width * channels) {
      const int64_t from_y = inside(top + y, height, beyond);
      if (from_y < 0) {
        std::fill_n(row, window.width * channels, fill);
        continue;
      }
      const auto copy_outside = [&](int64_t x) {
        const int64_t from_x = inside(left + x, width, beyond);
        float* to = row + x * channels;
        if (from_x < 0) {
          std::fill_n(to, channels, fill);
        } else {
          copy_pixels(pixels, pixels.at(from_y, from_x), channels, 1, to);
        }
      };
      for (int64_t x = 0; x < begin; ++x) copy_outside(x);
      if (begin < end) {
        copy_pixels(pixels, pixels.at(from_y, left + begin), channels, end - begin,
                    row + begin * channels);
      }
      for (int64_t x = end; x < window.width; ++x) copy_outside(x);
    }
  });
}

void warp(const ImageView& image, const double (&matrix)[6], float fill, float* output) {
  const ImageShape& shape = image.shape;
  with_pixels(image, [&](const auto& pixels) {
    float* to = output;
    for (int64_t y = 0; y < shape.height; ++y) {
      for (int64_t x = 0; x < shape.width; ++x, to += shape.channels) {
        const double dx = static_cast<double>(x), dy = static_cast<double>(y);
        const double from_x = matrix[0] * dx + matrix[1] * dy + matrix[2];
        const double from_y = matrix[3] * dx + matrix[4] * dy + matrix[5];
        // Written so that NaN counts as outside.
        if (!(from_x > -1.0 && from_x < static_cast<double>(shape.width) && from_y > -1.0 &&
              from_y < static_cast<double>(shape.height))) {
          std::fill_n(to, shape.channels, fill);
          continue;
        }
        const int64_t x0 = floor_of(from_x), y0 = floor_of(from_y);
        const auto part_x = static_cast<float>(from_x - static_cast<double>(x0));
        const auto part_y = static_cast<float>(from_y - static_cast<double>(y0));
        const bool within = x0 >= 0 && x0 + 1 < shape.width && y0 >= 0 && y0 + 1 < shape.height;
        for (int64_t c = 0; c < shape.channels; ++c) {
          const auto value = [&](int64_t below, int64_t right) {
            if (within) return static_cast<float>(pixels.at(y0 + below, x0 + right)[c]);
            return value_at(pixels, shape, y0 + below, x0 + right, c, fill);
          };
          const float above = (1 - part_x) * value(0, 0) + part_x * value(0, 1);
          const float below = (1 - part_x) * value(1, 0) + part_x * value(1, 1);
          to[c] = (1 - part_y) * above + part_y * below;
        }
      }
    }
  });
}

}  // namespace chainrule
