#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/operand.h"

namespace chainrule {

// Of an image, row by row, each pixel with its channels.
struct ImageShape {
  int64_t height, width, channels;

  int64_t elements() const { return height * width * channels; }
};

// How an image continues beyond its edges.
enum class Beyond { kConstant, kEdge, kReflect, kSymmetric };

// An image where it lies, perhaps seen in a mirror.
struct ImageView {
  const std::byte* data;
  DType dtype;
  ImageShape shape;
  bool flip_x = false, flip_y = false;
};

// The window whose first pixel is [top, left], as floats. It may begin before the image and end
// behind it; where the image is mirrored, not farther than the mirror image goes.
void copy_window(const ImageView& image, int64_t top, int64_t left, Beyond beyond, float fill,
                 ImageShape window, float* output);

// output[y, x] = image[m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]], x before y, interpolated
// between the four neighbours; pixels outside have the value `fill`.
void warp(const ImageView& image, const double (&matrix)[6], float fill, float* output);

}  // namespace chainrule
