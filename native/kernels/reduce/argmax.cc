#include <functional>
#include <limits>

#include "kernels/factory.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The index of the first maximum, or minimum, along the middle of [outer, length, inner]; a NaN
// counts as either.
template <typename T>
class ArgMax final : public Kernel {
 public:
  explicit ArgMax(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        least_(step.boolean("least")) {
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
    AbortCheck check;
    for (int64_t a = 0; a < outer_; ++a) {
      for (int64_t b = 0; b < inner_; ++b) {
        const T* values = input + a * length_ * inner_ + b;
        output[a * inner_ + b] =
            least_ ? first(values, std::less<T>()) : first(values, std::greater<T>());
        check.after(length_);
      }
    }
  }

 private:
  template <class Better>
  int32_t first(const T* values, Better better) const {
    T best = values[0];
    int64_t at = 0;
    in_blocks(length_, [&](int64_t first, int64_t count) {
      for (int64_t r = first; r < first + count && best == best; ++r) {
        const T value = values[r * inner_];
        if (better(value, best) || value != value) best = value, at = r;
      }
    });
    return static_cast<int32_t>(at);
  }

  Operand input_, output_;
  bool least_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_arg_max(const StepReader& step) {
  return make_numeric<ArgMax>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
