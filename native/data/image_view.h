#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/operand.h"

namespace chainrule {

// Sizes of an image, which is stored row by row, each pixel with its channels.
struct ImageShape {
  int64_t height, width, channels;

  int64_t elements() const { return height * width * channels; }
};

// Continuation of an image beyond its edges.
enum class Beyond { kConstant, kEdge, kReflect, kSymmetric };

// An image in memory, possibly mirrored.
struct ImageView {
  const std::byte* data;
  DType dtype;
  ImageShape shape;
  bool flip_x = false, flip_y = false;
};

// Writes the window whose first pixel is [top, left], as floats. It may extend beyond the image on
// all sides; where the image is mirrored, no further than the mirror image does.
void copy_window(const ImageView& image, int64_t top, int64_t left, Beyond beyond, float fill,
                 ImageShape window, float* output);

// output[y, x] = image[m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]], x before y, interpolated
// between the four neighbours; pixels outside have the value `fill`.
void warp(const ImageView& image, const double (&matrix)[6], float fill, float* output);

}  // namespace chainrule
