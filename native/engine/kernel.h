#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

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

// Weights in the order in which a kernel reads them.
struct Packing {
  int64_t elements = 0;  // 0 if the kernel reads weights as they are
  // Of two kernels of one kind with the same attributes, and weights of one shape: equal names
  // stand for equal packed weights.
  std::string layout;
};

// One step of a plan, decoded and ready to run. `run` may throw OpError; it must not allocate.
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

  // Size of the workspace that `run` needs: the same for all instruction sets, since a plan is for
  // all of them. The compiler asks for it, and a step that gives less is refused.
  virtual int64_t workspace_bytes() const { return 0; }

  // The method that a kernel with several chose, also the same for all instruction sets, so that
  // plans can show it.
  virtual const char* method() const { return ""; }

  // The weights as this kernel would have them packed, once for several runs: another step packs
  // them, and a step of this kernel then takes them as the operand `packed`. May differ between
  // instruction sets, all of which can run both steps.
  virtual Packing packing() const { return {}; }

  // True if `run_sum` is implemented: it stores, for the first of several runs, the sum of what
  // `run` would store for each, bit for bit, added in the order of a postfix program (see
  // sync/combine.h).
  virtual bool sums() const { return false; }
  virtual void run_sum(std::span<const Run> runs, std::span<const int32_t> program) const;

  // An upper bound of the magnitudes of what the last `run` stored, by its operands: finite only
  // where that takes less time than reading the results.
  virtual double bound(const Run&) const { return std::numeric_limits<double>::infinity(); }

  // The value that all shards of a batch put together in this step, and where each run takes the
  // result; null for the steps of a run by itself. A run of several shards has their values one
  // after another. `run` is for a batch of one shard, whose value is the result.
  struct AllReduced {
    Operand value, result;
    bool moments;  // merges means and variances (sync/merge_moments.h) instead of adding

    size_t shards() const {
      return static_cast<size_t>(value.elements() / std::max<int64_t>(result.elements(), 1));
    }
  };
  virtual const AllReduced* all_reduced() const { return nullptr; }

  virtual void run_timed(const Run& run, std::span<double> milliseconds) const;
};

class StepReader;

// Makes the kernel of a step. The step may lack its workspace, if the kernel is only asked for its
// size.
using KernelFactory = std::unique_ptr<Kernel> (*)(const StepReader&);

struct KernelEntry {
  const char* name;
  KernelFactory make;
};

}  // namespace chainrule
