#pragma once

#include <algorithm>

#include "kernels/factory.h"
#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {

// The sizes of a convolution: input [N, H, W, C], weight [KH, KW, C / groups, O], output [N, OH,
// OW, O]. Group g maps the g-th part of the input channels to the g-th part of the output channels.
struct ConvShape {
  // `choice`: the number of images by which the method and the order of its sums are chosen. A step
  // for the images of several shards gives that of one, whose results have these bits, too.
  int64_t images, choice, height, width, channels, kernel_height, kernel_width, out_channels;
  int64_t out_height, out_width;
  int64_t groups, group_channels, group_out;
  Dims stride, padding, dilation;
  bool direct;  // the step asks for direct sums

  ConvShape(const StepReader& step, const Dims& input, const Dims& weight, const Dims& output)
      : groups(step.integer("groups")),
        stride(step.integers("stride")),
        padding(step.integers("padding")),
        dilation(step.integers("dilation")),
        direct(step.has("algorithm")) {
    require(step, !direct || step.text("algorithm") == "direct", "algorithm must be direct");
    for (const Dims* dims : {&input, &weight, &output}) {
      require(step, dims->size() == 4, "operands must have four dimensions");
      require(step, *std::min_element(dims->begin(), dims->end()) >= 0,
              "sizes must not be negative");
    }
    images = input[0];
    choice = step.has("choice") ? step.integer("choice") : images;
    height = input[1], width = input[2], channels = input[3];
    kernel_height = weight[0], kernel_width = weight[1], out_channels = weight[3];
    out_height = output[1], out_width = output[2];
    require(step, choice >= 0 && choice <= images, "choice must be 0 to the number of images");
    require(step, kernel_height >= 1 && kernel_width >= 1, "the kernel must have a tap");
    require(step, groups >= 1, "groups must be positive");
    group_channels = weight[2], group_out = out_channels / groups;
    require(step, channels % groups == 0 && group_channels == channels / groups,
            "weight and input differ in channels");
    require(step, out_channels % groups == 0, "groups must divide the output channels");
    require(step, output[0] == images, "input and output differ in images");
    require(step, output[3] == out_channels, "weight and output differ in channels");
    require(step, stride.size() == 2 && padding.size() == 2 && dilation.size() == 2,
            "stride, padding and dilation must be pairs");
    require(step, std::min({stride[0], stride[1], dilation[0], dilation[1]}) >= 1,
            "stride and dilation must be positive");
    require(step, std::min(padding[0], padding[1]) >= 0, "padding must not be negative");
  }

  // The number of weights.
  int64_t weights() const { return kernel_height * kernel_width * group_channels * out_channels; }

  // The convolution whose input has this one's result for its own: it has the gradient for these
  // weights, with taps in reverse order. It exists with single steps and no pixels beyond the taps.
  bool exchangeable() const {
    return stride == Dims{1, 1} && turned_padding(0) >= 0 && turned_padding(1) >= 0;
  }
  ConvShape exchanged() const {
    ConvShape other = *this;
    other.height = out_height, other.width = out_width, other.channels = out_channels;
    other.out_height = height, other.out_width = width, other.out_channels = channels;
    other.group_channels = group_out, other.group_out = group_channels;
    other.padding = {turned_padding(0), turned_padding(1)};
    return other;
  }

  // True if each channel is convolved by itself, to one result.
  bool depthwise() const { return groups > 1 && group_channels == 1 && group_out == 1; }

 private:
  int64_t turned_padding(int axis) const {
    const int64_t kernel = axis == 0 ? kernel_height : kernel_width;
    return (kernel - 1) * dilation[axis] - padding[axis];
  }
};

// A part of the work that fits in the second-level cache: some rows of one image, or several whole
// images.
struct Band {
  int64_t rows, images;
  int64_t elements;  // of the zero-padded part of the source that the band reads

  // Output rows and columns are `step` source pixels apart, and each reads `reach` pixels beyond
  // its first.
  struct Axis {
    int64_t count, step, reach;
  };

  // `row_floor`: elements that an output row needs elsewhere, if these may outnumber its source
  // row's.
  Band(int64_t image_count, Axis vertical, Axis horizontal, int64_t channels,
       int64_t row_floor = 0) {
    constexpr int64_t kTarget = 65536;
    const int64_t pitch =
        ((horizontal.count - 1) * horizontal.step + horizontal.reach + 1) * channels;
    const int64_t cost = std::max<int64_t>({vertical.step * pitch, row_floor, 1});
    rows = std::clamp<int64_t>(kTarget / cost, 1, std::max<int64_t>(vertical.count, 1));
    const bool whole = rows == vertical.count;
    images =
        whole ? std::clamp<int64_t>(kTarget / (cost * rows), 1, std::max<int64_t>(image_count, 1))
              : 1;
    elements = images * ((rows - 1) * vertical.step + vertical.reach + 1) * pitch;
  }
};

inline Band forward_band(const ConvShape& s, int64_t row_floor = 0) {
  const int64_t down = (s.kernel_height - 1) * s.dilation[0];
  const int64_t across = (s.kernel_width - 1) * s.dilation[1];
  return Band(s.images, {s.out_height, s.stride[0], down}, {s.out_width, s.stride[1], across},
              s.channels, row_floor);
}

// The weight gradient also packs the output's gradient, one group at a time, band by band.
inline Band weight_band(const ConvShape& s) {
  return s.depthwise() ? forward_band(s)
                       : forward_band(s, s.out_width * padded_columns(s.group_out));
}

// A band that fits every phase of the stride.
inline Band backward_band(const ConvShape& s) {
  const auto axis = [&](int i, int64_t extent, int64_t kernel) {
    return Band::Axis{(extent + s.stride[i] - 1) / s.stride[i], 1,
                      (kernel - 1) * s.dilation[i] / s.stride[i]};
  };
  return Band(s.images, axis(0, s.height, s.kernel_height), axis(1, s.width, s.kernel_width),
              s.out_channels);
}

}  // namespace chainrule::CHAINRULE_ISA
