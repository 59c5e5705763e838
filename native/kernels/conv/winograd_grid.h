#pragma once

#include <cmath>

#include "kernels/conv/conv_shape.h"
#include "kernels/conv/winograd_transform.h"

namespace chainrule::CHAINRULE_ISA {

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

// The size by which Winograd's method is chosen: the tiles of the results, the channels that are
// summed over (in the weight gradient: that are rows), and the channels of the results.
struct WinogradSize {
  TileGrid grid;
  int64_t inner, outer;
};

// Of a convolution and of its weight gradient.
inline WinogradSize forward_size(const ConvShape& s) {
  return {{s.choice, s.out_height, s.out_width}, s.channels, s.out_channels};
}

// Of the input gradient.
inline WinogradSize backward_size(const ConvShape& s) {
  return {{s.choice, s.height, s.width}, s.out_channels, s.channels};
}

// True if the method can compute a convolution and may, and if its transforms cost less than the
// products that they save: tiles of 4 x 4 results take a quarter of the products. The same for all
// instruction sets, so that a plan fits all of them.
inline bool takes_winograd(const ConvShape& s, DType dtype, const WinogradSize& size) {
  // In products: the transforms of one channel of a tile, and of one kernel of 3 x 3 weights. So
  // many kernels that they leave the caches, four times as large, are written to memory and read
  // again.
  constexpr int64_t kTileCost = 400, kKernelCost = 200, kDistantKernelCost = 1000;
  constexpr double kMostInCaches = 128 * 128;
  const bool fits = !s.direct && dtype == DType::kFloat32 && s.kernel_height == 3 &&
                    s.kernel_width == 3 && s.groups == 1 && s.stride == Dims{1, 1} &&
                    s.dilation == Dims{1, 1};
  if (!fits) return false;
  const auto& [grid, inner, outer] = size;
  const double channels = static_cast<double>(inner) * static_cast<double>(outer);
  const auto tiles = static_cast<double>(grid.count());
  const double direct = static_cast<double>(grid.images * grid.height * grid.width) * 9 * channels;
  const auto kernel_cost =
      static_cast<double>(channels > kMostInCaches ? kDistantKernelCost : kKernelCost);
  const double transforms =
      kTileCost * tiles * static_cast<double>(inner + outer) + kernel_cost * channels;
  return kPositions * tiles * channels + transforms < direct;
}

// Block sizes that keep the work in the caches: `tiles` tiles at a time, and channels of either
// side. More channels take more tiles at a time, since all kernels are read for each block of them.
struct WinogradBlocks {
  int64_t tiles, inner, outer;

  // `images`: their number, of which `size` may have only those that choose the method.
  WinogradBlocks(const WinogradSize& size, int64_t images) {
    // Elements of transformed pixels that should stay in the second-level cache, and channels per
    // block of a product that uses its transformed kernels only once.
    constexpr double kElements = 98304;
    constexpr int64_t kChannels = 64;
    const int64_t all = images * size.grid.rows() * size.grid.columns();
    const auto sum = static_cast<double>(size.inner + size.outer);
    const double fitting = kElements / kPositions / sum;
    const double least = static_cast<double>(size.inner * size.outer) / sum / 2;
    const auto most = static_cast<int64_t>(std::ceil(std::max(fitting, least)));
    const int64_t count = (all + most - 1) / most;
    tiles = (all + count - 1) / count;
    const bool used_once = size.grid.count() <= most;
    inner = used_once ? kChannels : size.inner;
    outer = used_once ? kChannels : padded_columns(size.outer);
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
