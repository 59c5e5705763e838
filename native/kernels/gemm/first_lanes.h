#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/simd.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace chainrule::CHAINRULE_ISA {

// The first lanes of vectors, where memory ends before the whole vector does.
template <typename T, int kLanes>
class FirstLanes {
 public:
  using Vector = typename VectorOf<T, kLanes>::type;

  explicit FirstLanes(int64_t count) : count_(count) {
#if defined(__AVX512F__)
    mask_ = (1u << count) - 1;
#elif defined(__AVX2__)
    for (int64_t i = 0; i < kLanes; ++i) reinterpret_cast<Word*>(&mask_)[i] = i < count ? -1 : 0;
#endif
  }

  // The lanes from memory, and zeros behind them.
  Vector load(const T* from) const {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return reinterpret_cast<Vector>(_mm512_maskz_loadu_ps(mask_, from));
    } else {
      return reinterpret_cast<Vector>(_mm512_maskz_loadu_pd(mask_, from));
    }
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      return reinterpret_cast<Vector>(_mm256_maskload_ps(from, mask_));
    } else {
      return reinterpret_cast<Vector>(_mm256_maskload_pd(from, mask_));
    }
#else
    T lanes[kLanes] = {};
    std::copy_n(from, count_, lanes);
    return *reinterpret_cast<Vector*>(lanes);
#endif
  }

  void store(const Vector& vector, T* to) const {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_ps(to, mask_, reinterpret_cast<__m512>(vector));
    } else {
      _mm512_mask_storeu_pd(to, mask_, reinterpret_cast<__m512d>(vector));
    }
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      _mm256_maskstore_ps(to, mask_, reinterpret_cast<__m256>(vector));
    } else {
      _mm256_maskstore_pd(to, mask_, reinterpret_cast<__m256d>(vector));
    }
#else
    T lanes[kLanes];
    *reinterpret_cast<Vector*>(lanes) = vector;
    std::copy_n(lanes, count_, to);
#endif
  }

 private:
  static_assert(sizeof(T) * kLanes == kVectorBytes);
  int64_t count_;
#if defined(__AVX512F__)
  __mmask16 mask_;
#elif defined(__AVX2__)
  using Word = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  __m256i mask_;
#endif
};

}  // namespace chainrule::CHAINRULE_ISA
