#pragma once

#include "kernels/conv/conv_band.h"
#include "kernels/conv/winograd_grid.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/gemm/transpose.h"
#include "kernels/scratch.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// A 3 x 3 correlation of stride 1 by Winograd's method, which also serves the input gradient: for
// each of 36 positions, a matrix product of the transformed patches [tiles, channels] with the
// transformed kernels [channels, results].
template <typename T>
class WinogradCorrelation {
 public:
  // `offset`: from a result to the first pixel under its taps, along each axis. `weight_origin`:
  // the index of the first tap's weight. `packed`: whether the kernels come transformed, all of
  // them in one block.
  WinogradCorrelation(const SourceShape& source, const Dims& offset, TileGrid grid,
                      int64_t target_channels, int64_t weight_origin, WeightSteps weight_steps,
                      const WinogradBlocks& blocks, bool packed)
      : source_(source),
        offset_(offset),
        grid_(grid),
        weight_origin_(weight_origin),
        weight_steps_(weight_steps),
        tiles_{grid.count(), blocks.tiles},
        inner_{source.channels, std::min(blocks.inner, source.channels)},
        outer_{target_channels, packed ? target_channels : std::min(blocks.outer, target_channels)},
        stored_{source.channels, packed ? source.channels : inner_.block},
        patch_step_(position_step(std::min(blocks.tiles, tiles_.whole) * source.channels)),
        sum_step_(position_step(std::min(blocks.tiles, tiles_.whole) * outer_.block)),
        kernel_step_(position_step(stored_.block * padded_columns(outer_.block))),
        packed_(packed),
        zeros_(source.channels) {}

  // Elements of all transformed kernels, if they are packed.
  int64_t packed_elements() const {
    return kPositions * position_step(source_.channels * padded_columns(outer_.whole));
  }

  // Elements of the transformed patches and the sums, and of kernels that are not packed before.
  int64_t workspace() const {
    return kPositions * (patch_step_ + sum_step_ + kernel_slots() * kernel_step_);
  }

  void run(const T* source, const T* weight, T* target, T* workspace) const {
    T* const kernels = workspace + kPositions * (patch_step_ + sum_step_);
    weight += weight_origin_;
    const auto transform = [&](int64_t k, int64_t o) { transform_kernels(weight, k, o, kernels); };
    if (keeps_kernels()) {
      for (int64_t o = 0; o < outer_.count(); ++o) {
        for (int64_t k = 0; k < stored_.count(); ++k) transform(k, o);
      }
    }
    const auto transform_on_use = [&](int64_t k, int64_t o) {
      if (!keeps_kernels()) transform(k, o);
    };
    multiply_all(source, kernels, target, workspace, transform_on_use);
  }

  // For kernels that are packed.
  void pack(const T* weight, T* packed) const {
    transform_kernels(weight + weight_origin_, 0, 0, packed);
  }
  void multiply(const T* source, const T* packed, T* target, T* workspace) const {
    multiply_all(source, packed, target, workspace, [](int64_t, int64_t) {});
  }

 private:
  static constexpr int kWide = kVectorBytes / sizeof(T);

  // Calls prepare(k, o) before it reads the kernels of a block.
  template <typename Prepare>
  void multiply_all(const T* source, const T* kernels, T* target, T* workspace,
                    const Prepare& prepare) const {
    T* const patches = workspace;
    T* const sums = patches + kPositions * patch_step_;
    const Pixels<T> pixels{source, zeros_.data(), source_.height, source_.width, source_.channels};
    AbortCheck check;
    for (int64_t b = 0; b < tiles_.count(); ++b) {
      transform_patches(pixels, b, patches);
      for (int64_t o = 0; o < outer_.count(); ++o) {
        for (int64_t k = 0; k < inner_.count(); ++k) {
          prepare(k, o);
          if (k == 0) {
            multiply<false>(b, k, o, patches, kernels, sums, check);
          } else {
            multiply<true>(b, k, o, patches, kernels, sums, check);
          }
        }
        transform_results(b, o, sums, target);
      }
    }
  }

  // Kernels that serve several blocks of tiles are transformed once, others on use.
  bool keeps_kernels() const { return tiles_.count() > 1; }
  int64_t kernel_slots() const {
    if (packed_) return 0;
    return keeps_kernels() ? stored_.count() * outer_.count() : 1;
  }
  // Where the kernels of a block begin.
  int64_t slot(int64_t k, int64_t o) const {
    const int64_t index = keeps_kernels() && !packed_ ? o * stored_.count() + k : 0;
    return index * kPositions * kernel_step_;
  }

  void transform_patches(const Pixels<T>& pixels, int64_t block, T* patches) const {
    const auto tile = [&](int64_t i, int64_t image, int64_t row, int64_t column) {
      const T* square[kPositions];
      pixels.template square<kPatchSide>(image, row + offset_[0], column + offset_[1], square);
      T* to = patches + i * source_.channels;
      for_each_vector<kWide>(0, source_.channels, [&]<int kLanes>(int64_t c) {
        transform_patch<kLanes>(square, c, to + c, patch_step_);
      });
    };
    grid_.for_each(tiles_.first(block), tiles_.size(block), tile);
  }

  void transform_results(int64_t block, int64_t o, const T* sums, T* target) const {
    const int64_t channels = outer_.size(o), pixel = outer_.whole;
    const auto tile = [&](int64_t i, int64_t image, int64_t row, int64_t column) {
      T* to =
          target + ((image * grid_.height + row) * grid_.width + column) * pixel + outer_.first(o);
      const T* from = sums + i * channels;
      const TileSize size = grid_.size_at(row, column);
      for_each_vector<kWide>(0, channels, [&]<int kLanes>(int64_t c) {
        transform_result<kLanes>(from + c, sum_step_, to + c, grid_.width * pixel, pixel, size);
      });
    };
    grid_.for_each(tiles_.first(block), tiles_.size(block), tile);
  }

  // Writes the panels of one block of channels, at each position.
  void transform_kernels(const T* weight, int64_t k, int64_t o, T* kernels) const {
    const Panels<T> panels(outer_.size(o));
    const int64_t inner = stored_.size(k);
    AbortCheck check;
    weight += stored_.first(k) * weight_steps_.in + outer_.first(o) * weight_steps_.out;
    T* to = kernels + slot(k, o);
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      const int64_t first = panels.first_column(panel), width = panels.width(panel);
      check.after(kPositions * inner * width);
      for_each_vector<kWide>(0, width, [&]<int kLanes>(int64_t c) {
        const T* from = weight + (first + c) * weight_steps_.out;
        T* packed = to + first * inner + c;
        if (weight_steps_.out == 1 && c + kLanes <= panels.used(panel)) {
          for (int64_t row = 0; row < inner; ++row) {
            transform_kernel<kLanes>(from + row * weight_steps_.in, weight_steps_.row,
                                     weight_steps_.column, packed + row * width, kernel_step_);
          }
        } else {
          transform_scattered<kLanes>(from, inner, panels.used(panel) - c, packed, width);
        }
      });
    }
  }

  // Transforms weights that are not contiguous, after gathering some rows of them. The lanes beyond
  // `used` are zeros.
  template <int kLanes>
  void transform_scattered(const T* from, int64_t rows, int64_t used, T* packed,
                           int64_t width) const {
    constexpr int64_t kRun = 16, kTap = kRun * kLanes;
    alignas(64) T gathered[9 * kTap] = {};
    const int64_t lanes = std::min<int64_t>(used, kLanes);
    for (int64_t first = 0; first < rows; first += kRun) {
      const int64_t count = std::min(kRun, rows - first);
      for (int64_t tap = 0; tap < 9; ++tap) {
        const T* block = from + tap / 3 * weight_steps_.row + tap % 3 * weight_steps_.column +
                         first * weight_steps_.in;
        transpose(block, weight_steps_.in, weight_steps_.out, count, lanes, gathered + tap * kTap,
                  kLanes);
      }
      for (int64_t row = 0; row < count; ++row) {
        transform_kernel<kLanes>(gathered + row * kLanes, 3 * kTap, kTap,
                                 packed + (first + row) * width, kernel_step_);
      }
    }
  }

  template <bool kAdd>
  void multiply(int64_t block, int64_t k, int64_t o, const T* patches, const T* kernels, T* sums,
                AbortCheck& check) const {
    const Panels<T> panels(outer_.size(o));
    const int64_t inner = inner_.size(k), start = 0;
    const Walk walk{&start, 1, inner, 1};
    // Packed kernels are those of all channels, of which these are some rows.
    const int64_t stored = packed_ ? stored_.whole : inner, skipped = packed_ ? inner_.first(k) : 0;
    const T* packed = kernels + slot(k, o);
    patches += inner_.first(k);
    for (int64_t position = 0; position < kPositions; ++position) {
      for (int64_t index = 0; index < panels.count(); ++index) {
        Panel<T> panel = panels.packed(index, packed, stored);
        panel.data += skipped * panel.step;
        T* const column = sums + panels.first_column(index);
        const auto tiles = [&](int64_t first, int64_t count, TileFunction<T> tile) {
          const T* from[kMaxRows];
          T* to[kMaxRows];
          for (int64_t i = 0; i < count; ++i) {
            from[i] = patches + (first + i) * source_.channels;
            to[i] = column + (first + i) * outer_.size(o);
          }
          tile(from, walk, panel, to, panels.used(index));
        };
        panels.template for_each_tile<kAdd>(index, tiles_.size(block), tiles);
        check.after(product_work(tiles_.size(block), panels.width(index), inner));
      }
      packed += kernel_step_, patches += patch_step_, sums += sum_step_;
    }
  }

  SourceShape source_;
  Dims offset_;
  TileGrid grid_;
  int64_t weight_origin_;
  WeightSteps weight_steps_;
  Cut tiles_, inner_, outer_;
  Cut stored_;  // of the channels that are summed over: those of a block of kernels
  int64_t patch_step_, sum_step_, kernel_step_;
  bool packed_;
  Scratch<T> zeros_;
};

}  // namespace chainrule::CHAINRULE_ISA
