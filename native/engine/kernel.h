#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/operand.h"

namespace chainrule {

// State of one run of a plan: the base address of every buffer, and the random counters.
struct Run {
  std::span<std::byte* const> buffers;
  std::span<const uint32_t> context;  // seedLow, seedHigh, step, sampleOffset

  template <typename T>
  T* at(const Operand& operand) const {
    return reinterpret_cast<T*>(buffers[operand.buffer] + operand.offset);
  }
};

// One step of a plan, decoded and ready to run. `run` may throw PlanError; it must not allocate.
// Each step has a clock, and so has each step of a loop's body; `run_timed` adds the milliseconds
// of each to its clock.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;
  virtual void run(const Run& run) const = 0;
  virtual size_t clocks() const { return 1; }

  // True if `run_sum` is implemented: it stores, for the first of several runs, the sum of what
  // `run` would store for each, bit for bit, added in the order of a postfix program (see
  // sync/combine.h).
  virtual bool sums() const { return false; }
  virtual void run_sum(std::span<const Run> runs, std::span<const int32_t> program) const;
  virtual void run_timed(const Run& run, std::span<double> milliseconds) const;
};

// Reads the fields of a step. Each reader throws PlanError, naming the kernel and the field, if the
// value is invalid.
class StepReader {
 public:
  virtual ~StepReader() = default;
  virtual const std::string& kernel() const = 0;
  virtual bool has(const char* field) const = 0;
  virtual Operand operand(const char* field) const = 0;
  virtual std::vector<Operand> operands(const char* field) const = 0;
  virtual int64_t integer(const char* field) const = 0;
  virtual double number(const char* field) const = 0;
  virtual bool boolean(const char* field) const = 0;
  virtual std::string text(const char* field) const = 0;
  virtual Dims integers(const char* field) const = 0;
  // Readers of the objects in an array field, such as a vector program's instructions.
  virtual std::vector<std::unique_ptr<StepReader>> items(const char* field) const = 0;
};

using KernelFactory = std::unique_ptr<Kernel> (*)(const StepReader&);

struct KernelEntry {
  const char* name;
  KernelFactory make;
};

}  // namespace chainrule
