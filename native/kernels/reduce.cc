#include "column_reducer.h"
#include "factory.h"
#include "row_reducer.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <class Operation, typename T>
std::unique_ptr<Kernel> make_reducer(const StepReader& step, const Extent& extent) {
  if (extent.group() <= kMaxGroup) {
    return std::make_unique<GroupReducer<Operation, T>>(step, extent);
  }
  if (extent.inner == 1) return std::make_unique<RowReducer<Operation, T>>(step, extent);
  return std::make_unique<ColumnReducer<Operation, T>>(step, extent);
}

template <typename T>
std::unique_ptr<Kernel> make_reducer(const StepReader& step, const Extent& extent) {
  const std::string code = step.text("code");
  if (code == "sum") return make_reducer<Sum, T>(step, extent);
  require(step, code == "max" || code == "min", "code must be sum, max or min");
  require(step, extent.length > 0 || extent.outer * extent.inner == 0,
          "the maximum or minimum of nothing is not defined");
  if (code == "min") return make_reducer<Min, T>(step, extent);
  return make_reducer<Max, T>(step, extent);
}

Extent read_extent(const StepReader& step) {
  const Dims dims = step.integers("dims");
  require(step, dims.size() == 3, "dims must be [outer, length, inner]");
  const Extent extent{dims[0], dims[1], dims[2]};
  const Operand output = step.operand("output");
  require(step, product(step.integers("shape")) == product(dims), "dims differ from the shape");
  require(step, output.contiguous() && output.elements() == extent.outer * extent.inner,
          "output is not contiguous, or has another size than dims say");
  return extent;
}

}  // namespace

std::unique_ptr<Kernel> make_reduce(const StepReader& step) {
  const Extent extent = read_extent(step);
  const std::string compute = step.text("compute");
  if (compute == "float32") return make_reducer<float>(step, extent);
  require(step, compute == "float64", "compute must be float32 or float64");
  return make_reducer<double>(step, extent);
}

}  // namespace chainrule::CHAINRULE_ISA
