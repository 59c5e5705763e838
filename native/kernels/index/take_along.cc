#include <algorithm>

#include "kernels/factory.h"
#include "kernels/index/indices.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// A table [outer, length, inner], read or written at indices [outer, count, inner] along the middle
// axis.
struct Along {
  int64_t outer, length, inner, count;

  Along(const StepReader& step, const Operand& table, const Operand& indices, const Operand& values)
      : outer(0), length(0), inner(0), count(step.integer("count")) {
    const Dims dims = step.integers("dims");
    require(step, dims.size() == 3, "dims must be [outer, length, inner]");
    outer = dims[0], length = dims[1], inner = dims[2];
    require(step, indices.dtype == DType::kInt32, "indices must be int32");
    require(step, table.dtype == values.dtype, "operands differ in dtype");
    require(step, table.contiguous() && indices.contiguous() && values.contiguous(),
            "operands must be contiguous");
    require(step, table.elements() == product(dims), "the table has another size than dims says");
    const int64_t entries = product({outer, count, inner});
    require(step, indices.elements() == entries && values.elements() == entries,
            "operands have another size than dims and count say");
  }

  // Calls visit(entry, element of the table) for each entry, in order.
  template <class Visit>
  void each(const int32_t* indices, const IndexCheck& check, Visit visit) const {
    int64_t entry = 0;
    AbortCheck abort_check;
    for (int64_t a = 0; a < outer; ++a) {
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t b = 0; b < inner; ++b, ++entry) {
          const int64_t index = indices[entry];
          check(index, entry);
          visit(entry, (a * length + index) * inner + b);
        }
        abort_check.after(4 * inner);
      }
    }
  }
};

// output[a, r, b] = table[a, indices[a, r, b], b].
template <typename T>
class TakeAlong final : public Kernel {
 public:
  explicit TakeAlong(const StepReader& step)
      : table_(step.operand("table")),
        indices_(step.operand("indices")),
        output_(step.operand("output")),
        along_(step, table_, indices_, output_),
        check_{step.text("name"), 0, along_.length} {}

  void run(const Run& run) const override {
    const T* table = run.at<const T>(table_);
    T* output = run.at<T>(output_);
    along_.each(run.at<const int32_t>(indices_), check_,
                [=](int64_t entry, int64_t element) { output[entry] = table[element]; });
  }

 private:
  Operand table_, indices_, output_;
  Along along_;
  IndexCheck check_;
};

// output[a, indices[a, r, b], b] += updates[a, r, b] over a zeroed output, in order.
template <typename T>
class ScatterAddAlong final : public Kernel {
 public:
  explicit ScatterAddAlong(const StepReader& step)
      : indices_(step.operand("indices")),
        updates_(step.operand("updates")),
        output_(step.operand("output")),
        along_(step, output_, indices_, updates_),
        check_{step.text("name"), 0, along_.length} {}

  void run(const Run& run) const override {
    const T* updates = run.at<const T>(updates_);
    T* output = run.at<T>(output_);
    in_blocks(output_.elements(),
              [=](int64_t first, int64_t n) { std::fill_n(output + first, n, T(0)); });
    along_.each(run.at<const int32_t>(indices_), check_,
                [=](int64_t entry, int64_t element) { output[element] += updates[entry]; });
  }

 private:
  Operand indices_, updates_, output_;
  Along along_;
  IndexCheck check_;
};

}  // namespace

std::unique_ptr<Kernel> make_take_along(const StepReader& step) {
  return make_numeric<TakeAlong>(step.operand("output").dtype, step);
}

std::unique_ptr<Kernel> make_scatter_add_along(const StepReader& step) {
  return make_floating<ScatterAddAlong>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
