#pragma once

#include "kernels/conv/conv_band.h"
#include "kernels/conv/conv_planes.h"
#include "kernels/conv/conv_position.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/gemm/transpose.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// Walks the pixels of a band, in the source and in the result at once.
template <typename T>
class PixelCursor {
 public:
  PixelCursor(const T* source, Steps source_steps, T* target, Steps target_steps, int64_t rows,
              int64_t columns)
      : source_(source),
        target_(target),
        source_jump_(jumps(source_steps, rows, columns)),
        target_jump_(jumps(target_steps, rows, columns)),
        rows_(rows),
        columns_(columns) {}

  void take(const T*& source, T*& target) {
    source = source_;
    target = target_;
    move(source_jump_.column, target_jump_.column);
    if (++column_ < columns_) return;
    column_ = 0;
    move(source_jump_.row, target_jump_.row);
    if (++row_ < rows_) return;
    row_ = 0;
    move(source_jump_.image, target_jump_.image);
  }

 private:
  // Increments from the end of a column, row or image to the start of the next one.
  static Steps jumps(Steps steps, int64_t rows, int64_t columns) {
    return {steps.image - rows * steps.row, steps.row - columns * steps.column, steps.column};
  }

  void move(int64_t source, int64_t target) { source_ += source, target_ += target; }

  const T* source_;
  T* target_;
  Steps source_jump_, target_jump_;
  int64_t rows_, columns_, row_ = 0, column_ = 0;
};

// target[n, i, j, :] = sum over the taps of source[n, i * step + offset, j * step + offset, :]
// times the tap's weight matrix, for each group of channels. A convolution is one correlation, and
// its input gradient is one for each phase of the stride.
template <typename T>
class Correlation {
 public:
  using Element = T;

  Correlation(const SourceShape& source, const TapAxis& rows, const TapAxis& columns,
              const TargetLayout& target, WeightSteps weight_steps, int64_t weight_elements,
              Band band)
      : images_(source.images),
        rows_(rows.count),
        columns_(columns.count),
        target_(target),
        weight_steps_(weight_steps),
        groups_(source.groups),
        channels_(source.channels / source.groups),
        target_channels_(target.channels / source.groups),
        weight_elements_(weight_elements),
        band_(band),
        panels_(target_channels_),
        reader_(source.height, source.width, source.channels, rows, columns, band),
        positions_(source, rows, columns, target),
        planes_(source, rows, columns, target, band) {
    list_taps(rows, columns);
  }

  int64_t packed_elements() const { return groups_ * packed_group(); }

  // The workspace holds the band, and before it the packed weights unless these come from outside.
  int64_t workspace(bool packed) const {
    return std::max(band_.elements, planes_.workspace()) + (packed ? 0 : packed_elements());
  }

  void run(const T* source, const T* weight, T* target, T* workspace) const {
    pack(weight, workspace);
    multiply(source, workspace, target, workspace + packed_elements());
  }

  void pack(const T* weight, T* packed) const {
    AbortCheck check;
    for (int64_t group = 0; group < groups_; ++group, packed += packed_group()) {
      const T* from = weight + group * weight_steps_.group;
      if (weight_steps_.out != 1) {
        pack_transposed(from, packed, check);
        continue;
      }
      const auto weight_row = [&](int64_t k) {
        check.after(kMaxVectors * kVectorBytes / sizeof(T));
        return from + weight_offsets_[k / channels_] + k % channels_ * weight_steps_.in;
      };
      panels_.pack(depth(), weight_row, weight + weight_elements_, packed);
    }
  }

  void multiply(const T* source, const T* weights, T* target, T* buffer) const {
    if (positions_.pays()) return positions_.run(source, weights, panels_, target);
    if (planes_.pays(panels_.width(0))) {
      return planes_.run(source, weights, panels_.width(0), packed_group(), target, buffer);
    }
    AbortCheck check;
    const auto band = [&](int64_t image, int64_t images, int64_t row, int64_t rows) {
      const T* from = reader_.load(source, image, images, row, rows, buffer);
      T* to = target + target_.origin + image * target_.steps.image + row * target_.steps.row;
      for (int64_t group = 0; group < groups_; ++group) {
        const T* packed = weights + group * packed_group();
        for (int64_t panel = 0; panel < panels_.count(); ++panel) {
          const int64_t column = group * target_channels_ + panels_.first_column(panel);
          PixelCursor<T> cursor(from + group * channels_, reader_.steps(), to + column,
                                target_.steps, rows, columns_);
          const int64_t pixels = images * rows * columns_;
          multiply_panel(panel, panels_.packed(panel, packed, depth()), pixels, cursor);
          check.after(product_work(pixels, panels_.width(panel), depth()));
        }
      }
    };
    for_each_band(band_, images_, rows_, band);
  }

 private:
  int64_t depth() const { return static_cast<int64_t>(weight_offsets_.size()) * channels_; }
  int64_t packed_group() const { return depth() * padded_columns(target_channels_); }

  // Adjacent columns are contiguous in memory, so a row of taps is one run if neither a column nor
  // a channel is skipped.
  void list_taps(const TapAxis& rows, const TapAxis& columns) {
    const bool whole_rows = columns.consecutive() && groups_ == 1;
    run_length_ = channels_ * (whole_rows ? static_cast<int64_t>(columns.taps.size()) : 1);
    for (const TapAxis::Tap& row : rows.taps) {
      for (const TapAxis::Tap& column : columns.taps) {
        weight_offsets_.push_back(row.kernel * weight_steps_.row +
                                  column.kernel * weight_steps_.column);
        const bool starts_run = !whole_rows || &column == &columns.taps.front();
        if (starts_run) runs_.push_back(reader_.tap_offset(row, column));
      }
    }
  }

  // For weights that are contiguous along the channels that are summed over.
  void pack_transposed(const T* weight, T* packed, AbortCheck& check) const {
    for (int64_t panel = 0; panel < panels_.count(); ++panel) {
      const int64_t width = panels_.width(panel);
      const T* first = weight + panels_.first_column(panel) * weight_steps_.out;
      for (const int64_t offset : weight_offsets_) {
        transpose(first + offset, weight_steps_.in, weight_steps_.out, channels_,
                  panels_.used(panel), packed, width);
        packed += channels_ * width;
        check.after(channels_ * width);
      }
    }
  }

  void multiply_panel(int64_t index, const Panel<T>& panel, int64_t pixels,
                      PixelCursor<T>& cursor) const {
    const Walk walk{runs_.data(), static_cast<int64_t>(runs_.size()), run_length_, 1};
    const auto multiply = [&](int64_t, int64_t count, TileFunction<T> tile) {
      const T* from[kMaxRows];
      T* to[kMaxRows];
      for (int64_t p = 0; p < count; ++p) cursor.take(from[p], to[p]);
      tile(from, walk, panel, to, panels_.used(index));
    };
    panels_.template for_each_tile<false>(index, pixels, multiply);
  }

  int64_t images_, rows_, columns_;
  TargetLayout target_;
  WeightSteps weight_steps_;
  int64_t groups_, channels_, target_channels_, weight_elements_;
  Band band_;
  Panels<T> panels_;
  BandReader<T> reader_;
  PositionCorrelation<T> positions_;
  PlanarCorrelation<T> planes_;
  std::vector<int64_t> weight_offsets_, runs_;
  int64_t run_length_ = 0;
};

}  // namespace chainrule::CHAINRULE_ISA
