#pragma once

#include "kernels/conv/winograd_grid.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/scratch.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// The weight gradient of a 3 x 3 convolution of stride 1 by Winograd's method, transposed: for each
// of 36 positions, a matrix product of the transformed patches [channels, tiles] with the
// transformed gradients of the results [tiles, results].
template <typename T>
class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvShape& shape, const WinogradBlocks& blocks)
      : shape_(shape),
        grid_{shape.images, shape.out_height, shape.out_width},
        tiles_{grid_.count(), blocks.tiles},
        inner_{shape.channels, std::min(blocks.inner, shape.channels)},
        outer_{shape.out_channels, std::min(blocks.outer, shape.out_channels)},
        patch_step_(position_step(std::min(blocks.tiles, tiles_.whole) * shape.channels)),
        slope_step_(
            position_step(std::min(blocks.tiles, tiles_.whole) * padded_columns(outer_.whole))),
        sum_step_(position_step(inner_.block * outer_.block)),
        zeros_(std::max(shape.channels, shape.out_channels)) {}

  // Elements of the transformed patches, the transformed gradients and the sums over tiles.
  int64_t workspace() const {
    return kPositions * (patch_step_ + slope_step_ + sum_slots() * sum_step_);
  }

  void run(const T* input, const T* gradient, T* output, T* workspace) const {
    T* const patches = workspace;
    T* const slopes = patches + kPositions * patch_step_;
    T* const sums = slopes + kPositions * slope_step_;
    AbortCheck check;
    for (int64_t b = 0; b < tiles_.count(); ++b) {
      transform_patches(input, b, patches);
      transform_slopes(gradient, b, slopes);
      for (int64_t o = 0; o < outer_.count(); ++o) {
        for (int64_t k = 0; k < inner_.count(); ++k) {
          T* const block_sums = slot(k, o, sums);
          if (b == 0) {
            multiply<false>(b, k, o, patches, slopes, block_sums, check);
          } else {
            multiply<true>(b, k, o, patches, slopes, block_sums, check);
          }
          if (b + 1 == tiles_.count()) transform_sums(k, o, block_sums, output);
        }
      }
    }
  }

 private:
  static constexpr int kWide = kVectorBytes / sizeof(T);

  // Sums over several blocks of tiles are kept until the last block.
  bool keeps_sums() const { return tiles_.count() > 1; }
  int64_t sum_slots() const { return keeps_sums() ? inner_.count() * outer_.count() : 1; }
  T* slot(int64_t k, int64_t o, T* sums) const {
    const int64_t index = keeps_sums() ? o * inner_.count() + k : 0;
    return sums + index * kPositions * sum_step_;
  }

  void transform_patches(const T* input, int64_t block, T* patches) const {
    const Pixels<T> pixels{input, zeros_.data(), shape_.height, shape_.width, shape_.channels};
    const auto tile = [&](int64_t i, int64_t image, int64_t row, int64_t column) {
      const T* square[kPositions];
      pixels.template square<kPatchSide>(image, row - shape_.padding[0], column - shape_.padding[1],
                                         square);
      T* to = patches + i * shape_.channels;
      for_each_vector<kWide>(0, shape_.channels, [&]<int kLanes>(int64_t c) {
        transform_patch<kLanes>(square, c, to + c, patch_step_);
      });
    };
    grid_.for_each(tiles_.first(block), tiles_.size(block), tile);
  }

  // Writes panels, one block of results after another.
  void transform_slopes(const T* gradient, int64_t block, T* slopes) const {
    const Pixels<T> pixels{gradient, zeros_.data(), grid_.height, grid_.width, outer_.whole};
    const int64_t tiles = tiles_.size(block);
    for (int64_t o = 0; o < outer_.count(); ++o) {
      const Panels<T> panels(outer_.size(o));
      for (int64_t panel = 0; panel < panels.count(); ++panel) {
        const int64_t start = outer_.first(o) + panels.first_column(panel);
        const int64_t width = panels.width(panel), used = panels.used(panel);
        const auto tile = [&](int64_t i, int64_t image, int64_t row, int64_t column) {
          const T* square[kTileSide * kTileSide];
          pixels.template square<kTileSide>(image, row, column, square);
          T* to = slopes + start * tiles + i * width;
          for_each_vector<kWide>(0, used, [&]<int kLanes>(int64_t c) {
            transform_result_gradient<kLanes>(square, start + c, to + c, slope_step_);
          });
        };
        grid_.for_each(tiles_.first(block), tiles, tile);
      }
    }
  }

  template <bool kAdd>
  void multiply(int64_t block, int64_t k, int64_t o, const T* patches, const T* slopes, T* sums,
                AbortCheck& check) const {
    const Panels<T> panels(outer_.size(o));
    const int64_t tiles = tiles_.size(block), start = 0;
    const Walk walk{&start, 1, tiles, shape_.channels};
    patches += inner_.first(k), slopes += outer_.first(o) * tiles;
    for (int64_t position = 0; position < kPositions; ++position) {
      for (int64_t index = 0; index < panels.count(); ++index) {
        const Panel<T> panel = panels.packed(index, slopes, tiles);
        T* const column = sums + panels.first_column(index);
        const auto rows = [&](int64_t first, int64_t count, TileFunction<T> tile) {
          const T* from[kMaxRows];
          T* to[kMaxRows];
          for (int64_t i = 0; i < count; ++i) {
            from[i] = patches + first + i;
            to[i] = column + (first + i) * outer_.size(o);
          }
          tile(from, walk, panel, to, panels.used(index));
        };
        panels.template for_each_tile<kAdd>(index, inner_.size(k), rows);
        check.after(product_work(inner_.size(k), panels.width(index), tiles));
      }
      slopes += slope_step_, patches += patch_step_, sums += sum_step_;
    }
  }

  void transform_sums(int64_t k, int64_t o, const T* sums, T* output) const {
    const int64_t channels = outer_.size(o), tap = inner_.whole * outer_.whole;
    for (int64_t row = 0; row < inner_.size(k); ++row) {
      const T* from = sums + row * channels;
      T* to = output + (inner_.first(k) + row) * outer_.whole + outer_.first(o);
      for_each_vector<kWide>(0, channels, [&]<int kLanes>(int64_t c) {
        transform_kernel_gradient<kLanes>(from + c, sum_step_, to + c, tap);
      });
    }
  }

  ConvShape shape_;
  TileGrid grid_;
  Cut tiles_, inner_, outer_;
  int64_t patch_step_, slope_step_, sum_step_;
  Scratch<T> zeros_;
};

}  // namespace chainrule::CHAINRULE_ISA
