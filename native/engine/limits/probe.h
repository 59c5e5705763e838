#pragma once

#include <cstdint>
#include <span>

namespace chainrule {

// One way to move floats: reads the arrays `a` and `b` and writes `out`, as far as it has need of
// them, `times` times over. The arrays are aligned to 64 bytes, and `elements` is a multiple of
// 256.
struct Move {
  const char* name;
  // Arrays that are read, and that are written.
  int reads, writes;
  void (*run)(const float* a, const float* b, float* out, int64_t elements, int64_t times);
};

// What a core can do at best with the vectors of an instruction set.
struct Probe {
  // Multiplies and adds float32 vectors in registers, and returns the number of floating-point
  // operations.
  double (*multiply_add)(int64_t rounds);
  std::span<const Move> moves;
};

}  // namespace chainrule
