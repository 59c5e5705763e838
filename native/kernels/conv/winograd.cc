#include "kernels/conv/winograd.h"

#include "kernels/conv/conv_shape.h"
#include "kernels/conv/winograd_correlation.h"
#include "kernels/conv/winograd_weight_grad.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

class WinogradConv2d final : public Kernel {
 public:
  explicit WinogradConv2d(const StepReader& step)
      : input_(step.operand("input")),
        weight_(step.operand("weight")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, input_, weight_, output_),
        correlation_({shape_.images, shape_.height, shape_.width, shape_.channels, 1},
                     {-shape_.padding[0], -shape_.padding[1]},
                     {shape_.images, shape_.out_height, shape_.out_width}, shape_.out_channels, 0,
                     weight_steps(shape_), WinogradBlocks(forward_size(shape_))) {}

  const char* method() const override { return "winograd"; }
  int64_t workspace_bytes() const override { return bytes_of<float>(correlation_.workspace()); }

  void run(const Run& run) const override {
    correlation_.run(run.at<const float>(input_), run.at<const float>(weight_),
                     run.at<float>(output_), run.at<float>(workspace_));
  }

 private:
  static WeightSteps weight_steps(const ConvShape& s) {
    const int64_t tap = s.channels * s.out_channels;
    return {3 * tap, tap, s.out_channels, 1, 0};
  }

  Operand input_, weight_, output_, workspace_;
  ConvShape shape_;
  WinogradCorrelation<float> correlation_;
};

// A correlation of the gradient with the taps in reverse order.
class WinogradConv2dInputGrad final : public Kernel {
 public:
  explicit WinogradConv2dInputGrad(const StepReader& step)
      : gradient_(step.operand("gradient")),
        weight_(step.operand("weight")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, output_, weight_, gradient_),
        correlation_({shape_.images, shape_.out_height, shape_.out_width, shape_.out_channels, 1},
                     {shape_.padding[0] - 2, shape_.padding[1] - 2},
                     {shape_.images, shape_.height, shape_.width}, shape_.channels,
                     8 * shape_.channels * shape_.out_channels, weight_steps(shape_),
                     WinogradBlocks(backward_size(shape_))) {}

  const char* method() const override { return "winograd"; }
  int64_t workspace_bytes() const override { return bytes_of<float>(correlation_.workspace()); }

  void run(const Run& run) const override {
    correlation_.run(run.at<const float>(gradient_), run.at<const float>(weight_),
                     run.at<float>(output_), run.at<float>(workspace_));
  }

 private:
  static WeightSteps weight_steps(const ConvShape& s) {
    const int64_t tap = s.channels * s.out_channels;
    return {-3 * tap, -tap, 1, s.out_channels, 0};
  }

  Operand gradient_, weight_, output_, workspace_;
  ConvShape shape_;
  WinogradCorrelation<float> correlation_;
};

class WinogradConv2dWeightGrad final : public Kernel {
 public:
  explicit WinogradConv2dWeightGrad(const StepReader& step)
      : input_(step.operand("input")),
        gradient_(step.operand("gradient")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, input_, output_, gradient_),
        method_(shape_, WinogradBlocks(forward_size(shape_))) {}

  const char* method() const override { return "winograd"; }
  int64_t workspace_bytes() const override { return bytes_of<float>(method_.workspace()); }

  void run(const Run& run) const override {
    method_.run(run.at<const float>(input_), run.at<const float>(gradient_), run.at<float>(output_),
                run.at<float>(workspace_));
  }

 private:
  Operand input_, gradient_, output_, workspace_;
  ConvShape shape_;
  WinogradWeightGrad<float> method_;
};

}  // namespace

std::unique_ptr<Kernel> make_winograd_conv2d(const StepReader& step) {
  return std::make_unique<WinogradConv2d>(step);
}

std::unique_ptr<Kernel> make_winograd_conv2d_input_grad(const StepReader& step) {
  return std::make_unique<WinogradConv2dInputGrad>(step);
}

std::unique_ptr<Kernel> make_winograd_conv2d_weight_grad(const StepReader& step) {
  return std::make_unique<WinogradConv2dWeightGrad>(step);
}

}  // namespace chainrule::CHAINRULE_ISA
