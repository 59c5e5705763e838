#include <limits>

#include "factory.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The index of the first maximum along the middle of [outer, length, inner]; a NaN counts as the
// maximum.
template <typename T>
class ArgMax final : public Kernel {
 public:
  explicit ArgMax(const StepReader& step)
      : input_(step.operand("input")), output_(step.operand("output")) {
    const Dims dims = step.integers("dims");
    require(step, dims.size() == 3, "dims must be [outer, length, inner]");
    outer_ = dims[0], length_ = dims[1], inner_ = dims[2];
    require(step, length_ >= 1 && length_ <= std::numeric_limits<int32_t>::max(),
            "length must be positive and fit in int32");
    require(step, output_.dtype == DType::kInt32, "output must be int32");
    require(step, input_.contiguous() && output_.contiguous(), "operands must be contiguous");
    require(step, input_.elements() == product(dims) && output_.elements() == outer_ * inner_,
            "operands have another size than dims says");
  }

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    int32_t* output = run.at<int32_t>(output_);
    for (int64_t a = 0; a < outer_; ++a) {
      for (int64_t b = 0; b < inner_; ++b) {
        output[a * inner_ + b] = first_maximum(input + a * length_ * inner_ + b);
      }
    }
  }

 private:
  int32_t first_maximum(const T* values) const {
    T best = values[0];
    int64_t at = 0;
    for (int64_t r = 1; r < length_ && best == best; ++r) {
      const T value = values[r * inner_];
      if (value > best || value != value) best = value, at = r;
    }
    return static_cast<int32_t>(at);
  }

  Operand input_, output_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_arg_max(const StepReader& step) {
  return make_floating<ArgMax>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
