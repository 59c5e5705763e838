#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/conv_depthwise.h"
#include "kernels/conv/winograd.h"
#include "kernels/conv/winograd_grid.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The taps that lead from the gradient of the output to the input positions phase, phase + stride,
// ...: outputs i with i * stride + k * dilation - padding equal to the position.
TapAxis backward_axis(const ConvShape& s, int axis, int64_t phase) {
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

// `Method` is Correlation or, for single channels, ChannelCorrelation.
template <typename T, template <typename> class Method>
class Conv2d final : public Kernel {
 public:
  explicit Conv2d(const StepReader& step)
      : input_(step.operand("input")),
        weight_(step.operand("weight")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, input_, weight_, output_),
        band_(forward_band(shape_)),
        correlation_(source(), forward_axis(shape_, 0), forward_axis(shape_, 1), target(),
                     weight_steps(), weight_.elements(), band_) {}

  const char* method() const override { return "direct"; }
  int64_t workspace_bytes() const override {
    return bytes_of<T>(correlation_workspace(shape_, weight_.elements(), shape_.group_out, band_));
  }

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    correlation_.run(run.at<const T>(input_), run.at<const T>(weight_), run.at<T>(output_),
                     run.at<T>(workspace_));
  }

 private:
  SourceShape source() const {
    return {shape_.images, shape_.height, shape_.width, shape_.channels, shape_.groups};
  }
  TargetLayout target() const {
    const int64_t pixel = shape_.out_channels, row = shape_.out_width * pixel;
    return {0, {shape_.out_height * row, row, pixel}, pixel};
  }
  WeightSteps weight_steps() const {
    const int64_t tap = shape_.group_channels * shape_.out_channels;
    return {shape_.kernel_width * tap, tap, shape_.out_channels, 1, shape_.group_out};
  }

  Operand input_, weight_, output_, workspace_;
  ConvShape shape_;
  Band band_;
  Method<T> correlation_;
};

// Along each axis, input positions of the same phase (modulo the stride) are reached by the same
// taps: each phase is a correlation of the output's gradient with the reversed taps.
template <typename T, template <typename> class Method>
class Conv2dInputGrad final : public Kernel {
 public:
  explicit Conv2dInputGrad(const StepReader& step)
      : gradient_(step.operand("gradient")),
        weight_(step.operand("weight")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, output_, weight_, gradient_),
        band_(backward_band(shape_)) {
    for (int64_t y = 0; y < std::min(shape_.stride[0], shape_.height); ++y) {
      for (int64_t x = 0; x < std::min(shape_.stride[1], shape_.width); ++x) {
        phases_.emplace_back(source(), backward_axis(shape_, 0, y), backward_axis(shape_, 1, x),
                             target(y, x), weight_steps(), weight_.elements(), band_);
      }
    }
  }

  const char* method() const override { return "direct"; }
  int64_t workspace_bytes() const override {
    return bytes_of<T>(
        correlation_workspace(shape_, weight_.elements(), shape_.group_channels, band_));
  }

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    for (const Method<T>& phase : phases_) {
      phase.run(run.at<const T>(gradient_), run.at<const T>(weight_), run.at<T>(output_),
                run.at<T>(workspace_));
    }
  }

 private:
  SourceShape source() const {
    return {shape_.images, shape_.out_height, shape_.out_width, shape_.out_channels, shape_.groups};
  }
  TargetLayout target(int64_t y, int64_t x) const {
    const int64_t pixel = shape_.channels, row = shape_.width * pixel;
    const Steps steps{shape_.height * row, shape_.stride[0] * row, shape_.stride[1] * pixel};
    return {y * row + x * pixel, steps, pixel};
  }
  WeightSteps weight_steps() const {
    const int64_t tap = shape_.group_channels * shape_.out_channels;
    return {shape_.kernel_width * tap, tap, 1, shape_.out_channels, shape_.group_out};
  }

  Operand gradient_, weight_, output_, workspace_;
  ConvShape shape_;
  Band band_;
  std::vector<Method<T>> phases_;
};

template <typename T>
using GroupedConv2d = Conv2d<T, Correlation>;
template <typename T>
using DepthwiseConv2d = Conv2d<T, ChannelCorrelation>;
template <typename T>
using GroupedConv2dInputGrad = Conv2dInputGrad<T, Correlation>;
template <typename T>
using DepthwiseConv2dInputGrad = Conv2dInputGrad<T, ChannelCorrelation>;

}  // namespace

std::unique_ptr<Kernel> make_conv2d(const StepReader& step) {
  const Operand output = step.operand("output");
  const ConvShape shape(step, step.operand("input"), step.operand("weight"), output);
  if (takes_winograd(shape, output.dtype, forward_size(shape))) return make_winograd_conv2d(step);
  return shape.depthwise() ? make_floating<DepthwiseConv2d>(output.dtype, step)
                           : make_floating<GroupedConv2d>(output.dtype, step);
}

std::unique_ptr<Kernel> make_conv2d_input_grad(const StepReader& step) {
  const Operand output = step.operand("output");
  const ConvShape shape(step, output, step.operand("weight"), step.operand("gradient"));
  if (takes_winograd(shape, output.dtype, backward_size(shape))) {
    return make_winograd_conv2d_input_grad(step);
  }
  return shape.depthwise() ? make_floating<DepthwiseConv2dInputGrad>(output.dtype, step)
                           : make_floating<GroupedConv2dInputGrad>(output.dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
