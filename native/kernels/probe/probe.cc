#include "kernels/probe/probe.h"

#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

constexpr int kLanes = kVectorBytes / sizeof(float);
using Vector = VectorOf<float, kLanes>::type;

// Vectors that a loop takes at once: enough to hide the latency of each, and a divisor of the 256
// elements that lengths are multiples of.
constexpr int kAtOnce = 4;
constexpr int64_t kStep = kAtOnce * kLanes;

// The sums are independent chains: as many as an instruction's latency times its rate, on any core.
double multiply_add(int64_t rounds) {
  constexpr int kSums = kRegisters == 32 ? 24 : 12;
  Vector sums[kSums] = {}, factor = {}, term = {};
  factor = hidden(factor);
  term = hidden(term);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (int s = 0; s < kSums; ++s) sums[s] = sums[s] * factor + term;
#pragma GCC unroll 24
    for (int s = 0; s < kSums; ++s) sums[s] = hidden(sums[s]);
  }
  return 2.0 * kSums * kLanes * static_cast<double>(rounds);
}

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }

template <bool kStream>
inline void put(const Vector& vector, float* to) {
  if constexpr (kStream) {
    stream(vector, to);
  } else {
    *reinterpret_cast<Vector*>(to) = vector;
  }
}

void read(const float* a, const float*, float*, int64_t elements, int64_t times) {
  Vector sums[kAtOnce] = {};
  for (int64_t t = 0; t < times; ++t) {
    for (int64_t i = 0; i < elements; i += kStep) {
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v) {
        sums[v] += load(a + i + v * kLanes);
        sums[v] = hidden(sums[v]);
      }
    }
  }
}

template <bool kStream>
void write(const float*, const float*, float* out, int64_t elements, int64_t times) {
  Vector zero = {};
  zero = hidden(zero);
  for (int64_t t = 0; t < times; ++t) {
    for (int64_t i = 0; i < elements; i += kStep) {
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v) put<kStream>(zero, out + i + v * kLanes);
    }
  }
  settle_streams();
}

template <bool kStream>
void copy(const float* a, const float*, float* out, int64_t elements, int64_t times) {
  for (int64_t t = 0; t < times; ++t) {
    for (int64_t i = 0; i < elements; i += kStep) {
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v)
        put<kStream>(load(a + i + v * kLanes), out + i + v * kLanes);
    }
  }
  settle_streams();
}

template <bool kStream>
void add(const float* a, const float* b, float* out, int64_t elements, int64_t times) {
  for (int64_t t = 0; t < times; ++t) {
    for (int64_t i = 0; i < elements; i += kStep) {
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v) {
        const int64_t at = i + v * kLanes;
        put<kStream>(load(a + at) + load(b + at), out + at);
      }
    }
  }
  settle_streams();
}

// Stores past the caches come second: they win where a working set exceeds them.
constexpr Move kMoves[] = {
    {"read", 1, 0, read},        {"write", 0, 1, write<false>}, {"write", 0, 1, write<true>},
    {"copy", 1, 1, copy<false>}, {"copy", 1, 1, copy<true>},    {"add", 2, 1, add<false>},
    {"add", 2, 1, add<true>},
};

}  // namespace

Probe probe() { return {multiply_add, kMoves}; }

}  // namespace chainrule::CHAINRULE_ISA
