#include "kernels/factory.h"
#include "kernels/reduce/column_reducer.h"
#include "kernels/reduce/row_reducer.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <typename T>
const Combiner<T>& read_combiner(const StepReader& step, DType dtype, const Extent& extent) {
  const std::string code = step.text("code");
  if (code == "sum") return dtype == DType::kInt32 ? kWrappedSum<T> : kCombiner<Sum, T>;
  require(step, code == "max" || code == "min", "code must be sum, max or min");
  require(step, extent.length > 0 || extent.outer * extent.inner == 0,
          "the maximum or minimum of nothing is not defined");
  return code == "min" ? kCombiner<Min, T> : kCombiner<Max, T>;
}

template <typename T>
std::vector<Reduction<T>> read_reductions(const StepReader& step, const Extent& extent) {
  std::vector<Reduction<T>> reductions;
  for (const StepReader& item : step.items("reductions")) {
    const Operand output = item.operand("output");
    require(item, output.contiguous() && output.elements() == extent.outer * extent.inner,
            "output is not contiguous, or has another size than dims say");
    reductions.push_back({read_combiner<T>(item, output.dtype, extent), item.integer("result"),
                          output, store_as<T>(output.dtype)});
  }
  require(step, !reductions.empty(), "there are no reductions");
  return reductions;
}

template <typename T>
std::unique_ptr<Kernel> make_reducer(const StepReader& step, const Extent& extent) {
  auto reductions = read_reductions<T>(step, extent);
  if (extent.group() <= kMaxGroup) {
    return std::make_unique<GroupReducer<T>>(step, extent, std::move(reductions));
  }
  if (extent.inner == 1) {
    return std::make_unique<RowReducer<T>>(step, extent, std::move(reductions));
  }
  return std::make_unique<ColumnReducer<T>>(step, extent, std::move(reductions));
}

Extent read_extent(const StepReader& step) {
  const Dims dims = step.integers("dims");
  require(step, dims.size() == 3, "dims must be [outer, length, inner]");
  require(step, product(step.integers("shape")) == product(dims), "dims differ from the shape");
  return {dims[0], dims[1], dims[2]};
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
