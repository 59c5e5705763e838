#include "kernels/conv/winograd.h"

#include "kernels/conv/conv_shape.h"
#include "kernels/conv/winograd_weight_grad.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

class WinogradConv2dWeightGrad final : public Kernel {
 public:
  explicit WinogradConv2dWeightGrad(const StepReader& step)
      : input_(step.operand("input")),
        gradient_(step.operand("gradient")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, input_.shape, output_.shape, gradient_.shape),
        method_(shape_, WinogradBlocks(forward_size(shape_), shape_.images)) {}

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

std::unique_ptr<Kernel> make_winograd_conv2d_weight_grad(const StepReader& step) {
  return std::make_unique<WinogradConv2dWeightGrad>(step);
}

}  // namespace chainrule::CHAINRULE_ISA
