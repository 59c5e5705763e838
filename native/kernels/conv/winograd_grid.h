#pragma once

#include "kernels/conv/conv_shape.h"
#include "kernels/conv/winograd_transform.h"

namespace chainrule::CHAINRULE_ISA {

// Block sizes that keep the work in the caches: `tiles` tiles at a time, `inner` channels that are
// summed over (in the weight gradient: that are rows), and `outer` channels of the results.
struct WinogradBlocks {
  int64_t tiles, inner, outer;

  WinogradBlocks(const StepReader& step) {
    const Dims blocks = step.integers("winograd");
    require(step, blocks.size() == 3 && *std::min_element(blocks.begin(), blocks.end()) >= 1,
            "winograd must be three positive numbers");
    tiles = blocks[0], inner = blocks[1], outer = blocks[2];
    require(step, outer % 16 == 0, "the third number of winograd must be a multiple of 16");
  }
};

// Winograd's method is for 3 x 3 kernels, and for tiles without gaps.
inline void require_winograd(const StepReader& step, const ConvShape& s) {
  const bool fits = s.kernel_height == 3 && s.kernel_width == 3 && s.groups == 1 &&
                    s.stride == Dims{1, 1} && s.dilation == Dims{1, 1};
  require(step, fits, "winograd takes kernels of 3 x 3, stride 1, dilation 1, one group");
  require(step,
          s.images * s.channels * s.out_channels > 0 && s.out_height * s.out_width > 0 &&
              s.height * s.width > 0,
          "winograd takes operands that are not empty");
}

// Distance between two positions of `elements` each: an odd number of cache lines, so that the 36
// positions that a transform writes do not share cache sets.
inline int64_t position_step(int64_t elements) { return (elements + 15) / 16 / 2 * 32 + 16; }

// A dimension cut into blocks: their number, and the size of each.
struct Cut {
  int64_t whole, block;
  int64_t count() const { return (whole + block - 1) / block; }
  int64_t first(int64_t i) const { return i * block; }
  int64_t size(int64_t i) const { return std::min(block, whole - first(i)); }
};

// The tiles of all images, one image after another, row by row.
struct TileGrid {
  int64_t images, height, width;  // of the results

  int64_t rows() const { return (height + kTileSide - 1) / kTileSide; }
  int64_t columns() const { return (width + kTileSide - 1) / kTileSide; }
  int64_t count() const { return images * rows() * columns(); }

  // Calls visit(i, image, row, column) with the tiles' first pixels.
  template <typename Visit>
  void for_each(int64_t first, int64_t count, const Visit& visit) const {
    int64_t column = first % columns(), row = first / columns() % rows();
    int64_t image = first / columns() / rows();
    for (int64_t i = 0; i < count; ++i) {
      visit(i, image, row * kTileSide, column * kTileSide);
      if (++column < columns()) continue;
      column = 0;
      if (++row < rows()) continue;
      row = 0;
      ++image;
    }
  }

  TileSize size_at(int64_t row, int64_t column) const {
    return {std::min(kTileSide, height - row), std::min(kTileSide, width - column)};
  }
};

// Images with zeros beyond their borders.
template <typename T>
struct Pixels {
  const T* data;
  const T* zeros;  // one pixel of zeros
  int64_t height, width, channels;

  // The pixels of a square whose first one is at [row, column], which may lie outside.
  template <int kSide>
  void square(int64_t image, int64_t row, int64_t column, const T** pixels) const {
    const T* first = data + ((image * height + row) * width + column) * channels;
    for (int64_t i = 0; i < kSide; ++i) {
      const bool inside = row + i >= 0 && row + i < height;
      for (int64_t j = 0; j < kSide; ++j, ++pixels) {
        const bool seen = inside && column + j >= 0 && column + j < width;
        *pixels = seen ? first + (i * width + j) * channels : zeros;
      }
    }
  }
};

}  // namespace chainrule::CHAINRULE_ISA
