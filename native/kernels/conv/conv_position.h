#pragma once

#include "kernels/conv/conv_band.h"
#include "kernels/gemm/gemm_tile.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// A correlation of small images with wide borders, one output position at a time over several
// images: these all have the same taps inside, so that taps on the border can be skipped.
template <typename T>
class PositionCorrelation {
 public:
  PositionCorrelation(const SourceShape& source, TapAxis rows, TapAxis columns,
                      const TargetLayout& target)
      : source_(source), rows_(std::move(rows)), columns_(std::move(columns)), target_(target) {
    for (const TapAxis::Tap& row : rows_.taps) {
      runs_.push_back((row.offset - rows_.low()) * source_.width * source_.channels);
    }
  }

  // True if so many taps lie on the border that skipping them outweighs the shorter sums.
  bool pays() const {
    if (source_.choice < kFewImages || source_.groups != 1 || !columns_.consecutive()) return false;
    if (rows_.taps.empty() || rows_.count * columns_.count == 0) return false;
    return rows_.share_inside(source_.height) * columns_.share_inside(source_.width) < 0.75;
  }

  // `packed` holds the panels of the weights, tap after tap.
  void run(const T* source, const T* packed, const Panels<T>& panels, T* target) const {
    const auto taps = static_cast<int64_t>(rows_.taps.size() * columns_.taps.size());
    target += target_.origin;
    AbortCheck check;
    for (int64_t index = 0; index < panels.count(); ++index) {
      const Panel<T> panel = panels.packed(index, packed, taps * source_.channels);
      const auto images = [&](int64_t first, int64_t count, TileFunction<T> tile) {
        for (int64_t i = 0; i < rows_.count; ++i) {
          for (int64_t j = 0; j < columns_.count; ++j) {
            T* to[kMaxRows];
            for (int64_t p = 0; p < count; ++p) {
              to[p] = target + (first + p) * target_.steps.image + i * target_.steps.row +
                      j * target_.steps.column + panels.first_column(index);
            }
            multiply(source, {first, count, i, j}, panel, to, tile, panels.used(index));
            check.after(product_work(count, panels.width(index), taps * source_.channels));
          }
        }
      };
      panels.template for_each_tile<false>(index, source_.images, images);
    }
  }

 private:
  static constexpr int64_t kFewImages = 8;

  // The results at one position in `images` images.
  struct Place {
    int64_t first_image, images, row, column;
  };

  void multiply(const T* source, const Place& place, Panel<T> panel, T* const* to,
                TileFunction<T> tile, int64_t used) const {
    const TapRange rows = rows_.taps_inside(place.row, source_.height);
    const TapRange columns = columns_.taps_inside(place.column, source_.width);
    const int64_t channels = source_.channels, seen = columns.last - columns.first;
    const auto wide = static_cast<int64_t>(columns_.taps.size());
    const bool empty = seen == 0 || rows.last == rows.first;
    const T* from[kMaxRows] = {};
    if (!empty) {
      const int64_t row = place.row * rows_.step + rows_.taps[rows.first].offset;
      const int64_t column = place.column * columns_.step + columns_.taps[columns.first].offset;
      for (int64_t p = 0; p < place.images; ++p) {
        const int64_t line = (place.first_image + p) * source_.height + row;
        from[p] = source + (line * source_.width + column) * channels;
      }
    }
    panel.data += (rows.first * wide + columns.first) * channels * panel.step;
    panel.skip = (wide - seen) * channels * panel.step;
    // Taps are evenly spaced, so the first offsets serve any range of taps.
    const Walk walk{runs_.data(), empty ? 0 : rows.last - rows.first, seen * channels, 1};
    tile(from, walk, panel, to, used);
  }

  SourceShape source_;
  TapAxis rows_, columns_;
  TargetLayout target_;
  std::vector<int64_t> runs_;
};

}  // namespace chainrule::CHAINRULE_ISA
