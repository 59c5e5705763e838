#include "kernels/conv/conv_weight_products.h"
#include "kernels/conv/winograd.h"
#include "kernels/conv/winograd_grid.h"
#include "kernels/gemm/transpose.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The gradient for the weights of a convolution. With few results and many channels, it is that of
// the convolution with input and result exchanged, whose products fill whole vectors, turned round.
template <typename T>
class Conv2dWeightGrad final : public Kernel {
 public:
  explicit Conv2dWeightGrad(const StepReader& step)
      : input_(step.operand("input")),
        gradient_(step.operand("gradient")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        shape_(step, input_.shape, output_.shape, gradient_.shape),
        exchanged_(shape_.group_out <= 4 && shape_.group_channels >= 8 && shape_.exchangeable()),
        products_(exchanged_ ? shape_.exchanged() : shape_) {}

  const char* method() const override { return "direct"; }
  int64_t workspace_bytes() const override {
    return bytes_of<T>(products_.workspace() + (exchanged_ ? shape_.weights() : 0));
  }

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    const T* gradient = run.at<const T>(gradient_);
    T* output = run.at<T>(output_);
    T* workspace = run.at<T>(workspace_);
    if (gradient_.elements() == 0) {
      std::fill_n(output, output_.elements(), T(0));
      return;
    }
    if (!exchanged_) return products_.run(input, gradient, output, workspace);
    products_.run(gradient, input, workspace, workspace + shape_.weights());
    turn(workspace, output);
  }

 private:
  // output[tap, c, o] = from[the last tap - tap, o, c], where c and o count within their group.
  void turn(const T* from, T* output) const {
    const int64_t channels = shape_.group_channels, results = shape_.group_out;
    for (int64_t tap = shape_.kernel_height * shape_.kernel_width; tap-- > 0;) {
      for (int64_t group = 0; group < shape_.groups; ++group) {
        transpose(from + group * channels, 1, shape_.channels, channels, results,
                  output + tap * channels * shape_.out_channels + group * results,
                  shape_.out_channels);
      }
      from += results * shape_.channels;
    }
  }

  Operand input_, gradient_, output_, workspace_;
  ConvShape shape_;
  bool exchanged_;
  WeightProducts<T> products_;
};

}  // namespace

std::unique_ptr<Kernel> make_conv2d_weight_grad(const StepReader& step) {
  const Operand input = step.operand("input"), output = step.operand("output");
  const Operand gradient = step.operand("gradient");
  require_contiguous(step, {&input, &gradient, &output});
  const ConvShape shape(step, input.shape, output.shape, gradient.shape);
  if (takes_winograd(shape, output.dtype, forward_size(shape))) {
    return make_winograd_conv2d_weight_grad(step);
  }
  return make_floating<Conv2dWeightGrad>(output.dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
