#include "engine/routine.h"

#include <algorithm>
#include <array>

#include "engine/isa.h"
#include "engine/step_reader.h"
#include "sync/combine.h"

namespace chainrule {
namespace {

// Bounds up to this are as good as the magnitudes themselves: a thousand of them can be added.
double most_of(DType dtype) { return dtype == DType::kFloat32 ? 0x1p117 : 0x1p1013; }

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
  run_part_timed(run, 0, steps_.size(), milliseconds);
}

std::span<double> Routine::run_part_timed(const Run& run, size_t first, size_t end,
                                          std::span<double> milliseconds) const {
  AbortCheck check;
  for (size_t i = first; i < end; ++i) {
    steps_[i]->run_timed(run, milliseconds);
    check.after(kStepWork);
    milliseconds = milliseconds.subspan(steps_[i]->clocks());
  }
  return milliseconds;
}

double Routine::run(const Run& run, std::span<const Result> results) const {
  double most = 0;
  run_part(run, 0, steps_.size(), results, most);
  return most;
}

void Routine::run_part(const Run& run, size_t first, size_t end, std::span<const Result> results,
                       double& most) const {
  AbortCheck check;
  // With those of an all-reduce that ended the part before.
  auto result = std::find_if(results.begin(), results.end(),
                             [&](const Result& one) { return one.step + 1 >= first; });
  const auto measure = [&](size_t step) {
    for (; result != results.end() && result->step == step; ++result) {
      most = std::max(most, magnitude(run, *result));
    }
  };
  if (first > 0) measure(first - 1);
  for (size_t i = first; i < end; ++i) {
    steps_[i]->run(run);
    measure(i);
    check.after(kStepWork);
  }
  if (end == steps_.size()) measure(end);
}

double Routine::magnitude(const Run& run, const Result& result) const {
  const DType dtype = bindings_[result.buffer - 1].dtype;
  if (result.step < steps_.size()) {
    const double bound = steps_[result.step]->bound(run);
    if (bound <= most_of(dtype)) return bound;
  }
  const std::byte* values = run.buffers[result.buffer] + result.start * size_of(dtype);
  return chosen_isa().largest(values, static_cast<int64_t>(result.end - result.start), dtype);
}

// The magnitude of a result that its step has summed over all runs.
double Routine::sum_magnitude(std::span<const Run> runs, const Result& result) const {
  double bound = 0;
  for (const Run& run : runs) bound += steps_[result.step]->bound(run);
  const DType dtype = bindings_[result.buffer - 1].dtype;
  return bound <= most_of(dtype) ? bound : magnitude(runs[0], result);
}

double Routine::run_together(std::span<const Run> runs, std::span<const int32_t> program,
                             std::span<const Result> results) const {
  double most = 0;
  size_t first = 0;
  auto segment = results.begin();
  for (auto result = results.begin(); result != results.end(); ++result) {
    if (!sums(result->step)) continue;
    most = std::max(most, run_segment(runs, program, first, result->step, {segment, result}));
    steps_[result->step]->run_sum(runs, program);
    most = std::max(most, sum_magnitude(runs, *result));
    first = result->step + 1;
    segment = result + 1;
  }
  return std::max(most, run_segment(runs, program, first, steps_.size(), {segment, results.end()}));
}

double Routine::run_segment(std::span<const Run> runs, std::span<const int32_t> program,
                            size_t first, size_t end, std::span<const Result> results) const {
  std::array<const Run*, kMaxDepth> stack;
  size_t depth = 0;
  double total = 0;
  AbortCheck check;
  for (const int32_t word : program) {
    if (word == kAdd) {
      --depth;
      for (const Result& result : results) add_result(*stack[depth - 1], *stack[depth], result);
    } else {
      double most = 0;
      auto result = results.begin();
      for (size_t i = first; i < end; ++i) {
        steps_[i]->run(runs[word]);
        // At once, while the results are in a cache and the operands in the arena.
        for (; result != results.end() && result->step == i; ++result) {
          most = std::max(most, magnitude(runs[word], *result));
        }
        check.after(kStepWork);
      }
      total += most;
      stack[depth++] = &runs[word];
    }
  }
  return total;
}

void Routine::add_result(const Run& to, const Run& from, const Result& result) const {
  static constexpr int32_t kPair[] = {0, 1, kAdd};
  const auto add = [&]<typename T>(T*) {
    T* const target = reinterpret_cast<T*>(to.buffers[result.buffer]);
    const T* const sources[] = {target, reinterpret_cast<const T*>(from.buffers[result.buffer])};
    combine<T>(sources, kPair, target, result.start, result.end);
  };
  if (bindings_[result.buffer - 1].dtype == DType::kFloat32) {
    add(static_cast<float*>(nullptr));
  } else {
    add(static_cast<double*>(nullptr));
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
    steps_.push_back(make_kernel({kernel, step, buffers, kernels}));
    if (steps_.back()->all_reduced() != nullptr) all_reduces_.push_back(steps_.size() - 1);
  }
}

}  // namespace chainrule
