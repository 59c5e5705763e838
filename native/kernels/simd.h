#pragma once

#include "kernels/isa.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

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

// Lanes of float32 in the longest vector of any instruction set.
inline constexpr int64_t kLongestVector = 16;

// Columns of a matrix that is packed into panels of whole vectors. They are as many on all
// instruction sets, so that a plan fits all of them.
inline int64_t padded_columns(int64_t columns) {
  return (columns + kLongestVector - 1) / kLongestVector * kLongestVector;
}

// An unaligned vector, which may alias the elements that it is read from.
template <typename T, int kLanes>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * kLanes), aligned(alignof(T)), may_alias));
};

// A vector in a register, as if it came from something unknown to the compiler: it is neither left
// out nor loaded again for each of its uses. By value, since a reference would promise Clang, which
// drops the alignment of a type that is deduced, that a vector in memory is aligned to its size.
template <typename Vector>
inline Vector hidden(Vector vector) {
#if defined(__AVX__)
  asm volatile("" : "+v"(vector));
#elif defined(__SSE2__)
  asm volatile("" : "+x"(vector));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(vector));
#else
  asm volatile("" : "+m"(vector));
#endif
  return vector;
}

// Stores a vector of kVectorBytes, aligned to that size, past the caches if that is possible. Other
// threads may read it only after `settle_streams`.
template <typename Vector, typename T>
inline void stream(const Vector& vector, T* out) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(out), reinterpret_cast<__m512i>(vector));
#else
  *reinterpret_cast<Vector*>(out) = vector;
#endif
}

inline void settle_streams() {
#if defined(__AVX512F__)
  _mm_sfence();
#endif
}

}  // namespace chainrule::CHAINRULE_ISA
