#include "kernels/conv/conv_methods.h"
#include "kernels/conv/conv_operands.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// A convolution or its input gradient.
template <typename Method>
class Convolution final : public Kernel {
  using T = typename Method::Element;

 public:
  explicit Convolution(const StepReader& step)
      : operands_(step, Method::kBackward),
        workspace_(step.workspace()),
        method_(operands_.shape, operands_.packed) {
    require(step, !operands_.packed || operands_.weight.elements() == method_.packed_elements(),
            "packed weights of another size");
  }

  const char* method() const override { return Method::kName; }
  int64_t workspace_bytes() const override {
    return bytes_of<T>(method_.workspace(operands_.packed));
  }
  Packing packing() const override { return {method_.packed_elements(), method_.layout()}; }

  void run(const Run& run) const override {
    const auto& [source, weight, output, packed, shape] = operands_;
    if (output.elements() == 0) return;
    const T* const from = run.at<const T>(source);
    const T* const weights = run.at<const T>(weight);
    T* const to = run.at<T>(output);
    T* const workspace = run.at<T>(workspace_);
    if (packed) {
      method_.multiply(from, weights, to, workspace);
    } else {
      method_.run(from, weights, to, workspace);
    }
  }

 private:
  ConvOperands operands_;
  Operand workspace_;
  Method method_;
};

// Packs weights for such a step.
template <typename Method>
class WeightPacking final : public Kernel {
  using T = typename Method::Element;

 public:
  explicit WeightPacking(const StepReader& step) : operands_(step), method_(operands_.shape, true) {
    require(step, operands_.output.elements() == method_.packed_elements(),
            "packed weights of another size");
  }

  void run(const Run& run) const override {
    method_.pack(run.at<const T>(operands_.weight), run.at<T>(operands_.output));
  }

 private:
  PackOperands operands_;
  Method method_;
};

// The kernel that `KernelOf` makes of the method for a convolution, or for its input gradient.
template <template <typename> class KernelOf, template <typename> class Direct, bool kBackward>
std::unique_ptr<Kernel> make(const StepReader& step, const ConvShape& shape, DType dtype) {
  if (takes_winograd(shape, dtype, kBackward ? backward_size(shape) : forward_size(shape))) {
    return std::make_unique<KernelOf<WinogradMethod<kBackward>>>(step);
  }
  const auto direct = [&]<typename T>(T) -> std::unique_ptr<Kernel> {
    if (shape.depthwise()) {
      return std::make_unique<KernelOf<Direct<ChannelCorrelation<T>>>>(step);
    }
    return std::make_unique<KernelOf<Direct<Correlation<T>>>>(step);
  };
  if (dtype == DType::kFloat32) return direct(float{});
  require(step, dtype == DType::kFloat64, "expected float32 or float64 operands");
  return direct(double{});
}

}  // namespace

std::unique_ptr<Kernel> make_conv2d(const StepReader& step) {
  const ConvOperands operands(step, false);
  return make<Convolution, DirectForward, false>(step, operands.shape, operands.output.dtype);
}

std::unique_ptr<Kernel> make_conv2d_input_grad(const StepReader& step) {
  const ConvOperands operands(step, true);
  return make<Convolution, DirectBackward, true>(step, operands.shape, operands.output.dtype);
}

std::unique_ptr<Kernel> make_pack_conv2d(const StepReader& step) {
  const PackOperands operands(step);
  return make<WeightPacking, DirectForward, false>(step, operands.shape, operands.output.dtype);
}

std::unique_ptr<Kernel> make_pack_conv2d_input_grad(const StepReader& step) {
  const PackOperands operands(step);
  return make<WeightPacking, DirectBackward, true>(step, operands.shape, operands.output.dtype);
}

}  // namespace chainrule::CHAINRULE_ISA
