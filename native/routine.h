#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernel.h"
#include "plain_value.h"
#include "step_reader.h"

namespace chainrule {

// The decoded steps of a plan, without memory: what they run on is given at each run.
class Routine {
 public:
  struct Binding {
    DType dtype;
    size_t bytes;
  };

  // Throws PlanError unless every step of the description fits the kernel, the arena and the
  // bindings.
  Routine(const PlainValue& description, std::span<const KernelEntry> kernels);

  std::span<const Binding> bindings() const { return bindings_; }
  size_t arena_bytes() const { return arena_bytes_; }

  // Runs all steps; buffer 0 is the arena, buffer i the binding i-1.
  void run(const Run& run) const {
    for (const auto& step : steps_) step->run(run);
  }

  // How many clocks the steps have, those of loops' bodies behind their loop.
  size_t clocks() const;
  void run_timed(const Run& run, std::span<double> milliseconds) const;

 private:
  void read_bindings(const PlainValue::List& bindings);
  void read_steps(const PlainValue::List& steps, std::span<const KernelEntry> kernels);

  size_t arena_bytes_;
  std::vector<Binding> bindings_;
  std::vector<std::unique_ptr<Kernel>> steps_;
};

}  // namespace chainrule
