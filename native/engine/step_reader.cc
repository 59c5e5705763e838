#include "engine/step_reader.h"

namespace chainrule {
namespace {

constexpr size_t kMaxRank = 32;
constexpr size_t kAlignment = 64;

KernelFactory find_factory(const StepReader& step) {
  for (const KernelEntry& entry : step.kernels()) {
    if (step.kernel() == entry.name) return entry.make;
  }
  throw PlanError("plan: unknown kernel '" + step.kernel() + "'");
}

// Bounds the number of elements, counting dimensions of 0 as 1, so that no partial product
// overflows later.
void check_size(const Operand& operand, const std::string& what) {
  int64_t elements = 1;
  for (int64_t dim : operand.shape) {
    if (__builtin_mul_overflow(elements, dim == 0 ? 1 : dim, &elements) || elements > kLargest) {
      throw PlanError(what + ".shape has too many elements");
    }
  }
}

// Throws unless every element lies in the buffer. Strides may be 0 or negative.
void check_reach(const Operand& operand, const std::string& what, size_t buffer_bytes) {
  if (operand.elements() == 0) return;
  const auto element = static_cast<int64_t>(size_of(operand.dtype));
  int64_t low = static_cast<int64_t>(operand.offset);
  int64_t high = low + element;
  for (size_t axis = 0; axis < operand.shape.size(); ++axis) {
    int64_t span = 0;
    int64_t& end = operand.strides[axis] < 0 ? low : high;
    if (__builtin_mul_overflow(operand.shape[axis] - 1, operand.strides[axis] * element, &span) ||
        __builtin_add_overflow(end, span, &end)) {
      throw PlanError(what + ".strides overflow");
    }
  }
  if (low < 0 || high > static_cast<int64_t>(buffer_bytes)) {
    invalid(what, "within its buffer of " + std::to_string(buffer_bytes) + " bytes",
            "bytes " + std::to_string(low) + " to " + std::to_string(high));
  }
}

Operand read_operand(const PlainValue& value, const std::string& what,
                     std::span<const Buffer> buffers) {
  value.object(what);
  Operand operand;
  const auto last_buffer = static_cast<int64_t>(buffers.size()) - 1;
  operand.buffer = static_cast<uint32_t>(value["buffer"].integer(what + ".buffer", 0, last_buffer));
  const Buffer& buffer = buffers[operand.buffer];
  const auto bytes = static_cast<int64_t>(buffer.bytes);
  operand.offset = static_cast<size_t>(value["offset"].integer(what + ".offset", 0, bytes));
  operand.dtype = value["dtype"].dtype(what + ".dtype");
  operand.shape = value["shape"].integers(what + ".shape", 0, kLargest);
  operand.strides = value["strides"].integers(what + ".strides", -kLargest, kLargest);

  const size_t element = size_of(operand.dtype);
  if (operand.shape.size() > kMaxRank) throw PlanError(what + ".shape has too many dimensions");
  if (operand.strides.size() != operand.shape.size()) {
    throw PlanError(what + ".strides and " + what + ".shape differ in length");
  }
  if (buffer.element_size != 0 && buffer.element_size != element) {
    throw PlanError(what + ".dtype and its binding's differ in size");
  }
  if (operand.offset % element != 0) {
    invalid(what + ".offset", "a multiple of " + std::to_string(element),
            std::to_string(operand.offset));
  }
  check_size(operand, what);
  check_reach(operand, what, buffer.bytes);
  return operand;
}

}  // namespace

Operand StepReader::operand(const char* field) const {
  return read_operand(fields_[field], name_of(field), buffers_);
}

std::vector<Operand> StepReader::operands(const char* field) const {
  std::vector<Operand> result;
  for (const PlainValue& value : fields_[field].list(name_of(field))) {
    const std::string what = name_of(field) + "[" + std::to_string(result.size()) + "]";
    result.push_back(read_operand(value, what, buffers_));
  }
  return result;
}

int64_t StepReader::integer(const char* field) const {
  return fields_[field].integer(name_of(field), -kLargest, kLargest);
}

double StepReader::number(const char* field) const { return fields_[field].number(name_of(field)); }

bool StepReader::boolean(const char* field) const { return fields_[field].boolean(name_of(field)); }

std::string StepReader::text(const char* field) const {
  return fields_[field].text(name_of(field));
}

Dims StepReader::integers(const char* field) const {
  return fields_[field].integers(name_of(field), -kLargest, kLargest);
}

std::vector<StepReader> StepReader::items(const char* field) const {
  std::vector<StepReader> result;
  for (const PlainValue& value : fields_[field].list(name_of(field))) {
    value.object(name_of(field) + "[" + std::to_string(result.size()) + "]");
    result.emplace_back(kernel_, value, buffers_, kernels_);
  }
  return result;
}

Operand StepReader::workspace() const {
  if (!has("workspace")) return {.dtype = DType::kUint8, .shape = {0}, .strides = {1}};
  const Operand operand = this->operand("workspace");
  if (operand.dtype != DType::kUint8 || !operand.contiguous() || operand.buffer != 0 ||
      operand.offset % kAlignment != 0) {
    throw PlanError(name_of("workspace") + " must be bytes on a cache line of the arena");
  }
  return operand;
}

std::unique_ptr<Kernel> make_kernel(const StepReader& step) {
  std::unique_ptr<Kernel> kernel = find_factory(step)(step);
  const int64_t given = step.workspace().elements(), needed = kernel->workspace_bytes();
  if (given < needed) {
    invalid(step.kernel() + ": workspace", "at least " + std::to_string(needed) + " bytes",
            std::to_string(given));
  }
  return kernel;
}

std::unique_ptr<Kernel> make_unplaced_kernel(const PlainValue& step,
                                             std::span<const KernelEntry> kernels) {
  // Room for any operand: the elements of the largest one, of any dtype.
  const Buffer endless{size_t{1} << 62, 0};
  const StepReader reader(step["kernel"].text("plan: kernel"), step, {&endless, 1}, kernels);
  return find_factory(reader)(reader);
}

}  // namespace chainrule
