#include <cstring>
#include <stdexcept>

#include "kernels/factory.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// A sum or moments over all shards of a batch: see engine/shards/shard_runs.h. Of one shard, it is
// the value itself.
class AllReduce final : public Kernel {
 public:
  explicit AllReduce(const StepReader& step)
      : reduced_{step.operand("input"), step.operand("output"), step.text("method") == "moments"} {
    const auto& [value, result, moments] = reduced_;
    require_contiguous(step, {&value, &result});
    require(step, result.elements() > 0 && value.elements() % result.elements() == 0,
            "the result's size does not divide the value's");
    require(step, moments || step.text("method") == "sum", "method must be sum or moments");
    require(step, !moments || result.elements() % 2 == 1, "moments must have an odd size");
    require(step, value.dtype == DType::kFloat32 || value.dtype == DType::kFloat64,
            "operands must be float32 or float64");
  }

  void run(const Run& run) const override {
    if (reduced_.shards() > 1) throw std::logic_error("allReduce: several shards have to meet");
    const std::byte* from = run.at<const std::byte>(reduced_.value);
    std::byte* to = run.at<std::byte>(reduced_.result);
    const auto bytes = reduced_.result.elements() * int64_t(size_of(reduced_.result.dtype));
    in_blocks(bytes, [&](int64_t first, int64_t count) {
      std::memmove(to + first, from + first, static_cast<size_t>(count));
    });
  }

  const AllReduced* all_reduced() const override { return &reduced_; }

 private:
  AllReduced reduced_;
};

}  // namespace

std::unique_ptr<Kernel> make_all_reduce(const StepReader& step) {
  return std::make_unique<AllReduce>(step);
}

}  // namespace chainrule::CHAINRULE_ISA
