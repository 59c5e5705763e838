#include <cstring>

#include "kernels/factory.h"
#include "kernels/index/indices.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Of a row besides that of its elements.
constexpr int64_t kRowWork = 8;

// output[i, ...] = table[indices[i], ...], for elements of any type.
class Gather final : public Kernel {
 public:
  explicit Gather(const StepReader& step)
      : table_(step.operand("table")),
        indices_(step.operand("indices")),
        output_(step.operand("output")),
        check_{step.text("name"), 0, table_.rank() == 0 ? 0 : table_.dim(0)} {
    require(step, table_.rank() >= 1, "table needs a dimension");
    require(step, indices_.dtype == DType::kInt32, "indices must be int32");
    require(step, table_.dtype == output_.dtype, "table and output differ in dtype");
    require(step, table_.contiguous() && indices_.contiguous() && output_.contiguous(),
            "operands must be contiguous");
    const Dims row(table_.shape.begin() + 1, table_.shape.end());
    require(step, output_.elements() == indices_.elements() * product(row),
            "output has another size");
    row_bytes_ = product(row) * size_of(table_.dtype);
  }

  void run(const Run& run) const override {
    const std::byte* table = run.at<const std::byte>(table_);
    const int32_t* indices = run.at<const int32_t>(indices_);
    std::byte* output = run.at<std::byte>(output_);
    const int64_t count = indices_.elements();
    AbortCheck check;
    for (int64_t i = 0; i < count; ++i) {
      check_(indices[i], i);
      std::memcpy(output + i * row_bytes_, table + indices[i] * row_bytes_, row_bytes_);
      check.after(kRowWork + row_bytes_ / 8);
    }
  }

 private:
  Operand table_, indices_, output_;
  IndexCheck check_;
  int64_t row_bytes_ = 0;
};

// output[indices[i], ...] += updates[i, ...] over a zeroed output, in the order of i.
template <typename T>
class ScatterAdd final : public Kernel {
 public:
  explicit ScatterAdd(const StepReader& step)
      : indices_(step.operand("indices")),
        updates_(step.operand("updates")),
        output_(step.operand("output")),
        check_{step.text("name"), 0, output_.rank() == 0 ? 0 : output_.dim(0)} {
    require(step, output_.rank() >= 1, "output needs a dimension");
    require(step, indices_.dtype == DType::kInt32, "indices must be int32");
    require(step, updates_.dtype == output_.dtype, "updates and output differ in dtype");
    require(step, indices_.contiguous() && updates_.contiguous() && output_.contiguous(),
            "operands must be contiguous");
    row_ = product(Dims(output_.shape.begin() + 1, output_.shape.end()));
    require(step, updates_.elements() == indices_.elements() * row_, "updates have another size");
  }

  void run(const Run& run) const override {
    const int32_t* indices = run.at<const int32_t>(indices_);
    const T* updates = run.at<const T>(updates_);
    T* output = run.at<T>(output_);
    in_blocks(output_.elements(),
              [=](int64_t first, int64_t n) { std::fill_n(output + first, n, T(0)); });
    const int64_t count = indices_.elements();
    AbortCheck check;
    for (int64_t i = 0; i < count; ++i) {
      check_(indices[i], i);
      add_row(updates + i * row_, output + indices[i] * row_);
      check.after(kRowWork + row_);
    }
  }

 private:
  void add_row(const T* __restrict source, T* __restrict target) const {
    for (int64_t j = 0; j < row_; ++j) target[j] += source[j];
  }

  Operand indices_, updates_, output_;
  IndexCheck check_;
  int64_t row_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_gather(const StepReader& step) {
  return std::make_unique<Gather>(step);
}

std::unique_ptr<Kernel> make_scatter_add(const StepReader& step) {
  return make_floating<ScatterAdd>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
