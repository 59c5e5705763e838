#pragma once

#include "kernels/conv/conv_band.h"
#include "kernels/conv/conv_depthwise.h"
#include "kernels/gemm/gemm_tile.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// output[tap, c, o] = the sum over all pixels of the input under the tap times the gradient: a
// matrix product whose left side is the input itself, read at one offset for each row (tap, c). One
// product per group of channels.
template <typename T>
class WeightProducts {
 public:
  explicit WeightProducts(const ConvShape& shape)
      : shape_(shape),
        band_(weight_band(shape_)),
        panels_(shape_.group_out),
        reader_(shape_.height, shape_.width, shape_.channels, forward_axis(shape_, 0),
                forward_axis(shape_, 1), band_) {
    list_rows();
    list_segments();
  }

  // Elements of the workspace.
  int64_t workspace() const { return band_.elements + packed_elements(); }

  void run(const T* input, const T* gradient, T* output, T* workspace) const {
    T* const packed = workspace + band_.elements;
    std::fill_n(output, shape_.weights(), T(0));
    AbortCheck check;
    const auto band = [&](int64_t image, int64_t images, int64_t row, int64_t rows) {
      const T* from = reader_.load(input, image, images, row, rows, workspace);
      const int64_t first = (image * shape_.out_height + row) * shape_.out_width;
      const T* slopes = gradient + first * shape_.out_channels;
      const bool last = image + images == shape_.images && row + rows == shape_.out_height;
      if (shape_.depthwise()) return add_channels(from, slopes, images * rows, output, check);
      for (int64_t group = 0; group < shape_.groups; ++group) {
        const int64_t column = group * shape_.group_out;
        add_products(from + group * shape_.group_channels, slopes + column, images * rows,
                     packs(last) ? packed : nullptr, output + column, check);
      }
    };
    for_each_band(band_, shape_.images, shape_.out_height, band);
  }

 private:
  int64_t packed_elements() const {
    if (shape_.depthwise()) return 0;
    return band_.images * band_.rows * shape_.out_width * padded_columns(shape_.group_out);
  }

  void list_rows() {
    for (const TapAxis::Tap& y : forward_axis(shape_, 0).taps) {
      for (const TapAxis::Tap& x : forward_axis(shape_, 1).taps) {
        for (int64_t c = 0; c < shape_.group_channels; ++c) {
          rows_.push_back(reader_.tap_offset(y, x) + c);
        }
      }
    }
  }

  // The segments of a smaller band are a prefix of this list: a band is either rows of one image or
  // whole images.
  void list_segments() {
    const Steps steps = reader_.steps();
    for (int64_t image = 0; image < band_.images; ++image) {
      for (int64_t row = 0; row < band_.rows; ++row) {
        segments_.push_back(image * steps.image + row * steps.row);
      }
    }
  }

  // Packing pays if many rows of the weights read the packed gradient. It is required if a vector
  // that the channels do not fill would reach beyond the gradient's end; elsewhere, the vector
  // reads the next pixel, and drops it.
  bool packs(bool last) const {
    if (panels_.count() > 1) return !panels_.fit() || rows_.size() > 64;
    return !panels_.fit() && (last || rows_.size() > 64);
  }

  void add_channels(const T* from, const T* gradient, int64_t segments, T* output,
                    AbortCheck& check) const {
    const Walk walk{segments_.data(), segments, shape_.out_width, reader_.steps().column};
    const auto taps = static_cast<int64_t>(rows_.size());
    const int64_t tiles = (taps + kChannelTaps - 1) / kChannelTaps;
    for (int64_t tile = 0, first = 0; tile < tiles; ++tile) {
      const int64_t next = taps * (tile + 1) / tiles;
      add_channel_taps(from, rows_.data() + first, next - first, walk, gradient, shape_.channels,
                       output + first * shape_.channels);
      check.after(product_work(segments * shape_.out_width, shape_.channels, next - first));
      first = next;
    }
  }

  // `packed` is null if the gradient is read in place.
  void add_products(const T* from, const T* gradient, int64_t segments, T* packed, T* output,
                    AbortCheck& check) const {
    const int64_t pixels = segments * shape_.out_width, channels = shape_.out_channels;
    if (packed != nullptr) {
      const auto pixel = [&](int64_t k) { return gradient + k * channels; };
      panels_.pack(pixels, pixel, pixel(pixels - 1) + shape_.group_out, packed);
    }
    for (int64_t i = 0; i < panels_.count(); ++i) {
      const Panel<T> panel = packed != nullptr ? panels_.packed(i, packed, pixels)
                                               : panels_.unpacked(i, gradient, channels);
      add_panel(i, panel, from, segments, output + panels_.first_column(i));
      check.after(product_work(static_cast<int64_t>(rows_.size()), panels_.width(i), pixels));
    }
  }

  void add_panel(int64_t index, const Panel<T>& panel, const T* from, int64_t segments,
                 T* output) const {
    const Walk walk{segments_.data(), segments, shape_.out_width, reader_.steps().column};
    const auto add = [&](int64_t first, int64_t count, TileFunction<T> tile) {
      const T* x[kMaxRows];
      T* out[kMaxRows];
      for (int64_t p = 0; p < count; ++p) {
        x[p] = from + rows_[first + p];
        out[p] = output + (first + p) * shape_.out_channels;
      }
      tile(x, walk, panel, out, panels_.used(index));
    };
    panels_.template for_each_tile<true>(index, static_cast<int64_t>(rows_.size()), add);
  }

  ConvShape shape_;
  Band band_;
  Panels<T> panels_;
  BandReader<T> reader_;
  std::vector<int64_t> rows_, segments_;
};

}  // namespace chainrule::CHAINRULE_ISA
