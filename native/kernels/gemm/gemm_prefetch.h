#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// A matrix of at least this many elements is read from beyond the caches, where a processor does
// not guess by itself what comes next.
inline constexpr int64_t kFetched = 1 << 18;

// Prefetches the cache lines of results, whose rows are `step` elements apart, while their terms
// are added.
template <typename T>
inline void fetch_results(T* out, int64_t step, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; j += 64 / sizeof(T)) {
      __builtin_prefetch(out + i * step + j, 1);
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
