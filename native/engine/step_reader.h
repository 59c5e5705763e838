#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/kernel.h"
#include "engine/plain_value.h"

namespace chainrule {

// A buffer that operands may point into: the arena or a binding.
struct Buffer {
  size_t bytes;
  size_t element_size;  // 0 for the arena, which takes every dtype
};

// Reads the fields of a step that came from JavaScript. Each reader throws PlanError, naming the
// kernel and the field, if the value is invalid. The operands that it returns lie within their
// buffers and are aligned.
class StepReader {
 public:
  // Refers to `fields`, `buffers` and `kernels`, which have to outlive it.
  StepReader(std::string kernel, const PlainValue& fields, std::span<const Buffer> buffers,
             std::span<const KernelEntry> kernels)
      : kernel_(std::move(kernel)), fields_(fields), buffers_(buffers), kernels_(kernels) {}

  const std::string& kernel() const { return kernel_; }
  bool has(const char* field) const { return fields_[field].defined(); }
  Operand operand(const char* field) const;
  std::vector<Operand> operands(const char* field) const;
  int64_t integer(const char* field) const;
  double number(const char* field) const;
  bool boolean(const char* field) const;
  std::string text(const char* field) const;
  Dims integers(const char* field) const;

  // Readers of the objects in an array field, such as a vector program's instructions.
  std::vector<StepReader> items(const char* field) const;

  // The operand `workspace`: bytes on a cache line of the arena. Without elements if the step has
  // none.
  Operand workspace() const;

  // A nested plan, and the kernels that it may call.
  const PlainValue& plan(const char* field) const { return fields_[field]; }
  std::span<const KernelEntry> kernels() const { return kernels_; }

 private:
  std::string name_of(const char* field) const { return kernel_ + ": " + field; }

  std::string kernel_;
  const PlainValue& fields_;
  std::span<const Buffer> buffers_;
  std::span<const KernelEntry> kernels_;
};

// Makes the kernel of a step. Throws PlanError unless the step is valid and its workspace is large
// enough.
std::unique_ptr<Kernel> make_kernel(const StepReader& step);

// Makes the kernel of a step whose operands are described by layout and dtype alone, as if each
// began a buffer of its own. It can be asked, but not run.
std::unique_ptr<Kernel> make_unplaced_kernel(const PlainValue& step,
                                             std::span<const KernelEntry> kernels);

}  // namespace chainrule
