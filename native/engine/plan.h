#pragma once

#include <array>
#include <span>

#include "engine/routine.h"
#include "engine/subnormals.h"

namespace chainrule {

// A decoded plan: kernels over an arena and the buffers that each run binds.
class Plan {
 public:
  static constexpr size_t kMinContext = 4, kMaxContext = 16;

  // Throws PlanError unless every step of the description is valid.
  Plan(const PlainValue& description, std::span<const KernelEntry> kernels)
      : routine_(description, kernels), buffers_(routine_.bindings().size() + 1) {}

  std::span<const Routine::Binding> bindings() const { return routine_.bindings(); }
  size_t arena_bytes() const { return routine_.arena_bytes(); }

  // Sets the arena of the following runs; it must hold the plan's arena bytes.
  void use_arena(std::byte* memory) { buffers_[0] = memory; }

  // Sets the memory of a binding for the following runs; it must have the binding's size and the
  // alignment of its elements.
  void bind(size_t index, std::byte* memory) { buffers_[index + 1] = memory; }
  void set_context(std::span<const uint32_t> words);

  // Runs all steps. Needs an arena; allocates nothing.
  void run() const {
    const SubnormalFlush flush;
    routine_.run(state());
  }

  // The same, and returns an upper bound of the magnitudes of results; see Routine::run.
  double run(std::span<const Routine::Result> results) const {
    const SubnormalFlush flush;
    return routine_.run(state(), results);
  }

  // The steps, and the state that they run on.
  const Routine& routine() const { return routine_; }
  Run state() const { return {buffers_, {context_.data(), context_words_}}; }

  // Like `run`, with a clock for each step; see Kernel.
  size_t clocks() const { return routine_.clocks(); }
  void run_timed(std::span<double> milliseconds) const {
    const SubnormalFlush flush;
    routine_.run_timed(state(), milliseconds);
  }

 private:
  Routine routine_;
  std::vector<std::byte*> buffers_;  // the arena, then the bindings
  std::array<uint32_t, kMaxContext> context_{};
  size_t context_words_ = kMinContext;
};

}  // namespace chainrule
