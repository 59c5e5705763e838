#include <type_traits>

#include "kernels/factory.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Running sums along the middle of [outer, length, inner], from either end.
template <typename T>
class CumSum final : public Kernel {
 public:
  explicit CumSum(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        reverse_(step.boolean("reverse")) {
    const Dims dims = step.integers("dims");
    require(step, dims.size() == 3, "dims must be [outer, length, inner]");
    outer_ = dims[0], length_ = dims[1], inner_ = dims[2];
    require(step, input_.dtype == output_.dtype, "operands differ in dtype");
    require(step, input_.contiguous() && output_.contiguous(), "operands must be contiguous");
    require(step, input_.elements() == product(dims) && output_.elements() == product(dims),
            "operands have another size than dims says");
  }

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    const int64_t start = reverse_ ? (length_ - 1) * inner_ : 0, step = reverse_ ? -inner_ : inner_;
    AbortCheck check;
    for (int64_t a = 0; a < outer_; ++a) {
      const int64_t first = a * length_ * inner_ + start;
      const T* input = run.at<const T>(input_) + first;
      T* output = run.at<T>(output_) + first;
      if (inner_ == 1) {
        add_line(input, output, step);
        check.after(length_);
      } else {
        add_rows(input, output, step, check);
      }
    }
  }

 private:
  // In double, float sums of one line are exact to about the last bit.
  using Total = std::conditional_t<std::is_same_v<T, int32_t>, uint32_t, double>;

  void add_line(const T* input, T* output, int64_t step) const {
    Total total = 0;
    in_blocks(length_, [&](int64_t first, int64_t count) {
      for (int64_t r = first; r < first + count; ++r) {
        total += static_cast<Total>(input[r * step]);
        output[r * step] = static_cast<T>(total);
      }
    });
  }

  void add_rows(const T* input, T* output, int64_t step, AbortCheck& check) const {
    using Sum = std::conditional_t<std::is_same_v<T, int32_t>, uint32_t, T>;
    for (int64_t b = 0; b < inner_; ++b) output[b] = input[b];
    for (int64_t r = 1; r < length_; ++r) {
      const T* before = output + (r - 1) * step;
      const T* next = input + r * step;
      T* to = output + r * step;
      for (int64_t b = 0; b < inner_; ++b) {
        to[b] = static_cast<T>(static_cast<Sum>(before[b]) + static_cast<Sum>(next[b]));
      }
      check.after(inner_);
    }
  }

  Operand input_, output_;
  bool reverse_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_cum_sum(const StepReader& step) {
  if (step.operand("input").dtype == DType::kInt32) return std::make_unique<CumSum<int32_t>>(step);
  return make_floating<CumSum>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
