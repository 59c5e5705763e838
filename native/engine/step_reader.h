#pragma once

#include <span>

#include "engine/kernel.h"
#include "engine/plain_value.h"

namespace chainrule {

// A buffer that operands may point into: the arena or a binding.
struct Buffer {
  size_t bytes;
  size_t element_size;  // 0 for the arena, which takes every dtype
};

// Reads a step that came from JavaScript. The operands that it returns lie within their buffers and
// are aligned.
class PlainStepReader final : public StepReader {
 public:
  // Refers to `fields` and `buffers`, which have to outlive it.
  PlainStepReader(std::string kernel, const PlainValue& fields, std::span<const Buffer> buffers)
      : kernel_(std::move(kernel)), fields_(fields), buffers_(buffers) {}

  const std::string& kernel() const override { return kernel_; }
  bool has(const char* field) const override { return fields_[field].defined(); }
  Operand operand(const char* field) const override;
  std::vector<Operand> operands(const char* field) const override;
  int64_t integer(const char* field) const override;
  double number(const char* field) const override;
  bool boolean(const char* field) const override;
  std::string text(const char* field) const override;
  Dims integers(const char* field) const override;
  std::vector<std::unique_ptr<StepReader>> items(const char* field) const override;

 private:
  std::string name_of(const char* field) const { return kernel_ + ": " + field; }

  std::string kernel_;
  const PlainValue& fields_;
  std::span<const Buffer> buffers_;
};

}  // namespace chainrule
