#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// Key and counter words that all draws of one node in one run share.
struct PhiloxStream {
  uint32_t seed_low, seed_high;  // the key
  uint32_t step, node;           // counter words 2 and 3
};

// Philox4x32-10 (Salmon et al. 2011) at `count` consecutive 64-bit counters: four words each, in
// order. Words are kept in 64-bit lanes, where vector units leave the products.
inline void philox(const PhiloxStream& stream, uint64_t counter, int64_t count, uint32_t* words) {
  constexpr uint64_t kLow = 0xffffffff;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t at = counter + static_cast<uint64_t>(i);
    uint64_t c0 = at & kLow, c1 = at >> 32, c2 = stream.step, c3 = stream.node;
    uint32_t k0 = stream.seed_low, k1 = stream.seed_high;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = c0 * 0xd2511f53u, p1 = c2 * 0xcd9e8d57u;
      c0 = (p1 >> 32) ^ c1 ^ k0;
      c2 = (p0 >> 32) ^ c3 ^ k1;
      c1 = p1 & kLow;
      c3 = p0 & kLow;
      k0 += 0x9e3779b9u;
      k1 += 0xbb67ae85u;
    }
    words[4 * i] = static_cast<uint32_t>(c0);
    words[4 * i + 1] = static_cast<uint32_t>(c1);
    words[4 * i + 2] = static_cast<uint32_t>(c2);
    words[4 * i + 3] = static_cast<uint32_t>(c3);
  }
}

// Converts words to numbers in [0, 1): 24 bits of one word, or 53 bits of two.
inline float unit_interval(const uint32_t* words, int64_t i, float) {
  return static_cast<float>(static_cast<int32_t>(words[i] >> 8)) * 0x1p-24f;
}

inline double unit_interval(const uint32_t* words, int64_t i, double) {
  const auto high = static_cast<int32_t>(words[2 * i] >> 5);
  const auto low = static_cast<int32_t>(words[2 * i + 1] >> 6);
  return (high * 67108864.0 + low) * 0x1p-53;
}

}  // namespace chainrule::CHAINRULE_ISA
