#pragma once

#include <initializer_list>
#include <memory>

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// The float or the double instance of a kernel template.
template <template <typename> class KernelOf>
std::unique_ptr<Kernel> make_floating(DType dtype, const StepReader& step) {
  if (dtype == DType::kFloat32) return std::make_unique<KernelOf<float>>(step);
  if (dtype == DType::kFloat64) return std::make_unique<KernelOf<double>>(step);
  throw PlanError(step.kernel() + ": expected float32 or float64 operands");
}

// The instance of a kernel template for numbers of any dtype; bools are bytes.
template <template <typename> class KernelOf>
std::unique_ptr<Kernel> make_numeric(DType dtype, const StepReader& step) {
  switch (dtype) {
    case DType::kFloat32:
      return std::make_unique<KernelOf<float>>(step);
    case DType::kFloat64:
      return std::make_unique<KernelOf<double>>(step);
    case DType::kInt32:
      return std::make_unique<KernelOf<int32_t>>(step);
    default:
      return std::make_unique<KernelOf<uint8_t>>(step);
  }
}

template <typename T>
inline int64_t bytes_of(int64_t elements) {
  return elements * static_cast<int64_t>(sizeof(T));
}

inline void require(const StepReader& step, bool condition, const char* what) {
  if (!condition) throw PlanError(step.kernel() + ": " + what);
}

inline void require_contiguous(const StepReader& step,
                               std::initializer_list<const Operand*> operands) {
  for (const Operand* operand : operands) {
    require(step, operand->contiguous(), "operands must be contiguous");
    require(step, operand->dtype == (*operands.begin())->dtype, "operands differ in dtype");
  }
}

}  // namespace chainrule::CHAINRULE_ISA
