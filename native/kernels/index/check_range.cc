#include <algorithm>

#include "kernels/factory.h"
#include "kernels/index/indices.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Copies int32 values after checking that all of them lie in [low, high).
class CheckRange final : public Kernel {
 public:
  explicit CheckRange(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        check_{step.text("name"), step.integer("low"), step.integer("high")} {
    require(step, input_.dtype == DType::kInt32 && output_.dtype == DType::kInt32,
            "operands must be int32");
    require(step, input_.contiguous() && output_.contiguous(), "operands must be contiguous");
    require(step, input_.elements() == output_.elements(), "operands differ in size");
  }

  void run(const Run& run) const override {
    const int32_t* input = run.at<const int32_t>(input_);
    int32_t* output = run.at<int32_t>(output_);
    in_blocks(input_.elements(), [&](int64_t first, int64_t count) {
      for (int64_t i = first; i < first + count; ++i) check_(input[i], i);
      std::copy_n(input + first, count, output + first);
    });
  }

 private:
  Operand input_, output_;
  IndexCheck check_;
};

}  // namespace

std::unique_ptr<Kernel> make_check_range(const StepReader& step) {
  return std::make_unique<CheckRange>(step);
}

}  // namespace chainrule::CHAINRULE_ISA
