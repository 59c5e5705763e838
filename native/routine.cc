#include "routine.h"

#include "scan.h"

namespace chainrule {
namespace {

KernelFactory find_factory(const std::string& name, std::span<const KernelEntry> kernels) {
  for (const KernelEntry& entry : kernels) {
    if (name == entry.name) return entry.make;
  }
  throw PlanError("plan: unknown kernel '" + name + "'");
}

}  // namespace

Routine::Routine(const PlainValue& description, std::span<const KernelEntry> kernels)
    : arena_bytes_(
          static_cast<size_t>(description["arenaBytes"].integer("plan: arenaBytes", 0, kLargest))) {
  read_bindings(description["bindings"].list("plan: bindings"));
  read_steps(description["steps"].list("plan: steps"), kernels);
}

size_t Routine::clocks() const {
  size_t count = 0;
  for (const auto& step : steps_) count += step->clocks();
  return count;
}

void Routine::run_timed(const Run& run, std::span<double> milliseconds) const {
  for (const auto& step : steps_) {
    step->run_timed(run, milliseconds);
    milliseconds = milliseconds.subspan(step->clocks());
  }
}

void Routine::read_bindings(const PlainValue::List& bindings) {
  for (const PlainValue& value : bindings) {
    const std::string what = "plan: bindings[" + std::to_string(bindings_.size()) + "]";
    const DType dtype = value["dtype"].dtype(what + ".dtype");
    const int64_t bytes = value["bytes"].integer(what + ".bytes", 0, kLargest);
    const auto element = static_cast<int64_t>(size_of(dtype));
    if (bytes % element != 0) {
      invalid(what + ".bytes", "a multiple of " + std::to_string(element), std::to_string(bytes));
    }
    bindings_.push_back({dtype, static_cast<size_t>(bytes)});
  }
}

void Routine::read_steps(const PlainValue::List& steps, std::span<const KernelEntry> kernels) {
  std::vector<Buffer> buffers{{arena_bytes_, 0}};
  for (const Binding& binding : bindings_) {
    buffers.push_back({binding.bytes, size_of(binding.dtype)});
  }
  for (const PlainValue& step : steps) {
    const std::string what = "plan: steps[" + std::to_string(steps_.size()) + "]";
    const std::string& kernel = step["kernel"].text(what + ".kernel");
    const PlainStepReader reader(kernel, step, buffers);
    steps_.push_back(kernel == "scan" ? make_scan(reader, step["body"], kernels)
                                      : find_factory(kernel, kernels)(reader));
  }
}

}  // namespace chainrule
