#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/kernel.h"
#include "engine/plain_value.h"
#include "sync/abort.h"

namespace chainrule {

// The decoded steps of a plan, without memory of their own: each run supplies it.
class Routine {
 public:
  struct Binding {
    DType dtype;
    size_t bytes;
    bool operator==(const Binding&) const = default;
  };

  // Throws PlanError unless every step of the description fits the kernel, the arena and the
  // bindings.
  Routine(const PlainValue& description, std::span<const KernelEntry> kernels);

  std::span<const Binding> bindings() const { return bindings_; }
  size_t arena_bytes() const { return arena_bytes_; }

  // True if arena size and bindings are equal, so that both can run on the same memory.
  bool has_memory_of(const Routine& other) const {
    return arena_bytes_ == other.arena_bytes_ && bindings_ == other.bindings_;
  }

  // Runs all steps; buffer 0 is the arena, buffer i the binding i-1.
  void run(const Run& run) const {
    AbortCheck check;
    for (const auto& step : steps_) {
      step->run(run);
      check.after(kStepWork);
    }
  }

  // Elements of a floating buffer that a step writes, whose magnitudes are of interest. They are
  // complete after the step, or for `steps()` after all of them.
  struct Result {
    size_t step, buffer;
    size_t start, end;
  };

  // The same, and returns an upper bound of the magnitudes of results, listed in step order:
  // infinite if any of them is NaN or infinite.
  double run(const Run& run, std::span<const Result> results) const;

  // The same for the steps from `first` up to `end`, as a part of a run. `most` is the bound so
  // far.
  void run_part(const Run& run, size_t first, size_t end, std::span<const Result> results,
                double& most) const;
  // The same with clocks, of which those of these steps come first. Returns the others.
  std::span<double> run_part_timed(const Run& run, size_t first, size_t end,
                                   std::span<double> milliseconds) const;

  // The steps in which all runs of a batch put a value together, in their order.
  std::span<const size_t> all_reduces() const { return all_reduces_; }
  const Kernel& step(size_t index) const { return *steps_[index]; }

  // True if a step can sum its own results over several runs; see Kernel.
  bool sums(size_t step) const { return steps_[step]->sums(); }
  size_t steps() const { return steps_.size(); }

  // Runs all steps for each of the runs, and sums their results, which are listed in step order, in
  // the buffers of the first run. Returns an upper bound of the magnitudes of all these sums. Steps
  // that can sum their own results do so; the steps between two of them execute run after run, in
  // the order of the program, so that memory for results is needed only until they are summed.
  double run_together(std::span<const Run> runs, std::span<const int32_t> program,
                      std::span<const Result> results) const;

  // Number of clocks; those of a loop's body follow the loop's own.
  size_t clocks() const;
  void run_timed(const Run& run, std::span<double> milliseconds) const;

 private:
  // A step whose work is longer looks for aborts itself.
  static constexpr int64_t kStepWork = AbortCheck::kInterval / 16;

  double run_segment(std::span<const Run> runs, std::span<const int32_t> program, size_t first,
                     size_t end, std::span<const Result> results) const;
  double magnitude(const Run& run, const Result& result) const;
  double sum_magnitude(std::span<const Run> runs, const Result& result) const;
  void add_result(const Run& to, const Run& from, const Result& result) const;
  void read_bindings(const PlainValue::List& bindings);
  void read_steps(const PlainValue::List& steps, std::span<const KernelEntry> kernels);

  size_t arena_bytes_;
  std::vector<Binding> bindings_;
  std::vector<std::unique_ptr<Kernel>> steps_;
  std::vector<size_t> all_reduces_;
};

}  // namespace chainrule
