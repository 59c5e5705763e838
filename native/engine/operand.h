#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace chainrule {

enum class DType : uint8_t { kFloat32, kFloat64, kInt32, kUint8, kBool };

inline size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return 8;
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    default:
      return 1;
  }
}

using Dims = std::vector<int64_t>;

// An error in the description of a plan. Reaches JavaScript as an Error with this message.
struct PlanError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline int64_t product(const Dims& dims) {
  int64_t result = 1;
  for (int64_t d : dims) {
    if (__builtin_mul_overflow(result, d, &result)) throw PlanError("plan: a size overflows");
  }
  return result;
}

// A strided window into one of a plan's buffers. Buffer 0 is the arena, buffer i the binding i-1.
struct Operand {
  uint32_t buffer = 0;
  size_t offset = 0;  // bytes
  DType dtype = DType::kFloat32;
  Dims shape;
  Dims strides;  // elements

  int64_t elements() const { return product(shape); }
  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t dim(int64_t axis) const { return shape[axis < 0 ? axis + rank() : axis]; }
  int64_t stride(int64_t axis) const { return strides[axis < 0 ? axis + rank() : axis]; }

  bool contiguous() const {
    int64_t expected = 1;
    for (int64_t i = rank() - 1; i >= 0; --i) {
      if (shape[i] == 0) return true;
      if (shape[i] != 1 && strides[i] != expected) return false;
      expected *= shape[i];
    }
    return true;
  }
};

inline void require(bool condition, const char* kernel, const char* what) {
  if (!condition) throw PlanError(std::string(kernel) + ": " + what);
}

}  // namespace chainrule
