#pragma once

#include <utility>

#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/conv_depthwise.h"
#include "kernels/conv/winograd_correlation.h"

// The ways to compute a convolution or its input gradient. `run` takes the weights as they are, and
// `multiply` those that `pack` has brought into the order in which they are read. `Correlation` is
// Correlation<T> or, for single channels, ChannelCorrelation<T>, which packs nothing. Equal names
// of a `layout`, for weights of one shape and windows that are alike, stand for equal packed
// weights.
namespace chainrule::CHAINRULE_ISA {

// The taps that lead from the gradient of the output to the input positions phase, phase + stride,
// ...: outputs i with i * stride + k * dilation - padding equal to the position.
inline TapAxis backward_axis(const ConvShape& s, int axis, int64_t phase) {
  const int64_t extent = axis == 0 ? s.height : s.width;
  const int64_t kernel = axis == 0 ? s.kernel_height : s.kernel_width;
  const int64_t stride = s.stride[axis];
  TapAxis result{(extent - phase + stride - 1) / stride, 1, {}};
  for (int64_t k = kernel - 1; k >= 0; --k) {
    const int64_t distance = phase + s.padding[axis] - k * s.dilation[axis];
    if (distance % stride == 0) result.taps.push_back({k, distance / stride});
  }
  return result;
}

// A method that is one correlation.
template <typename Correlation, typename T>
class CorrelationMethod {
 public:
  using Element = T;

  explicit CorrelationMethod(Correlation correlation) : correlation_(std::move(correlation)) {}

  int64_t packed_elements() const { return correlation_.packed_elements(); }

  void run(const Element* source, const Element* weight, Element* target,
           Element* workspace) const {
    correlation_.run(source, weight, target, workspace);
  }
  void pack(const Element* weight, Element* packed) const { correlation_.pack(weight, packed); }
  void multiply(const Element* source, const Element* packed, Element* target,
                Element* workspace) const {
    correlation_.multiply(source, packed, target, workspace);
  }

 protected:
  Correlation correlation_;
};

template <typename Correlation>
class DirectForward : public CorrelationMethod<Correlation, typename Correlation::Element> {
 public:
  static constexpr const char* kName = "direct";
  static constexpr bool kBackward = false;

  DirectForward(const ConvShape& s, bool)
      : CorrelationMethod<Correlation, typename Correlation::Element>(Correlation(
            {s.images, s.choice, s.height, s.width, s.channels, s.groups}, forward_axis(s, 0),
            forward_axis(s, 1), target(s), weight_steps(s), s.weights(), forward_band(s))) {}

  int64_t workspace(bool packed) const { return this->correlation_.workspace(packed); }
  std::string layout() const { return "direct"; }

 private:
  static TargetLayout target(const ConvShape& s) {
    const int64_t pixel = s.out_channels, row = s.out_width * pixel;
    return {0, {s.out_height * row, row, pixel}, pixel};
  }
  static WeightSteps weight_steps(const ConvShape& s) {
    const int64_t tap = s.group_channels * s.out_channels;
    return {s.kernel_width * tap, tap, s.out_channels, 1, s.group_out};
  }
};

// Along each axis, input positions of the same phase (modulo the stride) are reached by the same
// taps: each phase is a correlation of the output's gradient with the reversed taps.
template <typename Correlation>
class DirectBackward {
 public:
  using Element = typename Correlation::Element;
  static constexpr const char* kName = "direct";
  static constexpr bool kBackward = true;

  DirectBackward(const ConvShape& s, bool)
      : phases_down_(std::min(s.stride[0], s.height)),
        phases_across_(std::min(s.stride[1], s.width)) {
    const SourceShape source{s.images,    s.choice,       s.out_height,
                             s.out_width, s.out_channels, s.groups};
    const int64_t tap = s.group_channels * s.out_channels;
    const WeightSteps steps{s.kernel_width * tap, tap, 1, s.out_channels, s.group_out};
    for (int64_t y = 0; y < phases_down_; ++y) {
      for (int64_t x = 0; x < phases_across_; ++x) {
        phases_.emplace_back(source, backward_axis(s, 0, y), backward_axis(s, 1, x),
                             target(s, y, x), steps, s.weights(), backward_band(s));
      }
    }
  }

  int64_t packed_elements() const {
    int64_t sum = 0;
    for (const Correlation& phase : phases_) sum += phase.packed_elements();
    return sum;
  }
  int64_t workspace(bool packed) const {
    int64_t most = 0;
    for (const Correlation& phase : phases_) most = std::max(most, phase.workspace(packed));
    return most;
  }
  std::string layout() const {
    return "direct " + std::to_string(phases_down_) + "x" + std::to_string(phases_across_);
  }

  void run(const Element* source, const Element* weight, Element* target,
           Element* workspace) const {
    for (const Correlation& phase : phases_) phase.run(source, weight, target, workspace);
  }
  void pack(const Element* weight, Element* packed) const {
    for (const Correlation& phase : phases_) {
      phase.pack(weight, packed);
      packed += phase.packed_elements();
    }
  }
  void multiply(const Element* source, const Element* packed, Element* target,
                Element* workspace) const {
    for (const Correlation& phase : phases_) {
      phase.multiply(source, packed, target, workspace);
      packed += phase.packed_elements();
    }
  }

 private:
  static TargetLayout target(const ConvShape& s, int64_t y, int64_t x) {
    const int64_t pixel = s.channels, row = s.width * pixel;
    const Steps steps{s.height * row, s.stride[0] * row, s.stride[1] * pixel};
    return {y * row + x * pixel, steps, pixel};
  }

  int64_t phases_down_, phases_across_;
  std::vector<Correlation> phases_;
};

// Winograd's method. The input gradient is a correlation of the gradient with the taps in reverse
// order.
template <bool kIsBackward>
class WinogradMethod : public CorrelationMethod<WinogradCorrelation<float>, float> {
 public:
  static constexpr const char* kName = "winograd";
  static constexpr bool kBackward = kIsBackward;

  WinogradMethod(const ConvShape& s, bool packed)
      : CorrelationMethod(kBackward ? backward(s, packed) : forward(s, packed)) {}

  int64_t workspace(bool) const { return correlation_.workspace(); }
  std::string layout() const { return "winograd"; }

 private:
  static WinogradCorrelation<float> forward(const ConvShape& s, bool packed) {
    const int64_t tap = s.channels * s.out_channels;
    return {{s.images, s.choice, s.height, s.width, s.channels, 1},
            {-s.padding[0], -s.padding[1]},
            {s.images, s.out_height, s.out_width},
            s.out_channels,
            0,
            {3 * tap, tap, s.out_channels, 1, 0},
            WinogradBlocks(forward_size(s), s.images),
            packed};
  }
  static WinogradCorrelation<float> backward(const ConvShape& s, bool packed) {
    const int64_t tap = s.channels * s.out_channels;
    return {{s.images, s.choice, s.out_height, s.out_width, s.out_channels, 1},
            {s.padding[0] - 2, s.padding[1] - 2},
            {s.images, s.height, s.width},
            s.channels,
            8 * tap,
            {-3 * tap, -tap, 1, s.out_channels, 0},
            WinogradBlocks(backward_size(s), s.images),
            packed};
  }
};

}  // namespace chainrule::CHAINRULE_ISA
