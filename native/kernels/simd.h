#pragma once

#include "isa.h"

// Vectors of the instruction set that this file is compiled for, by the compiler's own vector
// types.
namespace chainrule::CHAINRULE_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRegisters = 32;
#else
inline constexpr int kRegisters = 16;
#endif

// An unaligned vector, which may alias the elements that it is read from.
template <typename T, int kLanes>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * kLanes), aligned(alignof(T)), may_alias));
};

}  // namespace chainrule::CHAINRULE_ISA
