#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "kernels/philox.h"

namespace chainrule {

// Key of a sample's random numbers: independent of the thread and of the place in the batch.
struct SampleKey {
  uint32_t seed_low, seed_high, epoch, index;
};

// The random numbers of one transform for one sample: Philox at the counters
// (0, 1, 2, ...; index; epoch; transform).
class SampleRandom {
 public:
  // Keeps these numbers apart from any other use of the same seed ("aug" in ASCII).
  static constexpr uint32_t kStream = 0x61756700;

  SampleRandom(const SampleKey& key, uint32_t transform)
      : stream_{key.seed_low, key.seed_high, key.epoch, kStream + transform},
        counter_(static_cast<uint64_t>(key.index) << 32) {}

  // A number in [0, 1).
  double uniform() { return word() * 0x1p-32; }

  double between(double low, double high) { return low + (high - low) * uniform(); }

  // An integer in 0 ... n - 1, off from uniform by less than n / 2^32.
  int64_t integer(int64_t n) {
    return static_cast<int64_t>(static_cast<uint64_t>(word()) * static_cast<uint64_t>(n) >> 32);
  }

  // The next blocks of words, for many numbers at once. Must not be mixed with the other calls.
  void words(int64_t blocks, uint32_t* words) {
    baseline::philox(stream_, counter_, blocks, words);
    counter_ += static_cast<uint64_t>(blocks);
  }

 private:
  uint32_t word() {
    if (used_ == words_.size()) {
      words(1, words_.data());
      used_ = 0;
    }
    return words_[used_++];
  }

  baseline::PhiloxStream stream_;
  uint64_t counter_;
  std::array<uint32_t, 4> words_{};
  size_t used_ = 4;
};

// Sine and cosine of an angle in full turns, from -1 to 1. The C library's own differ in the last
// bit from one processor to another.
template <typename T>
[[gnu::always_inline]] inline void sine_and_cosine(T turns, T& sine, T& cosine) {
  const auto quarters = static_cast<int32_t>(turns * 4 + (turns < 0 ? T(-0.5) : T(0.5)));
  const T x = (turns * 4 - static_cast<T>(quarters)) * T(1.5707963267948966), z = x * x;
  // The series on -pi/4 ... pi/4, up to x^17 or x^9.
  T s = 0, c = 0;
#pragma GCC unroll 8
  for (int k = sizeof(T) == 8 ? 16 : 8; k >= 2; k -= 2) {
    s = (s + 1) * -z * (T(1) / static_cast<T>(k * (k + 1)));
    c = (c + 1) * -z * (T(1) / static_cast<T>(k * (k - 1)));
  }
  s = (s + 1) * x;
  c = c + 1;
  const bool swapped = (quarters & 1) != 0;
  const T a = swapped ? c : s, b = swapped ? s : c;
  sine = (quarters & 2) != 0 ? -a : a;
  cosine = ((quarters + 1) & 2) != 0 ? -b : b;
}

// The natural logarithm of 2^-25 ... 1, written out for the same reason.
[[gnu::always_inline]] inline float log_of_fraction(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  // The exponent that leaves a mantissa from sqrt(1/2) to sqrt(2).
  const auto exponent = static_cast<int32_t>(bits - 0x3f3504f3u) >> 23;
  bits -= static_cast<uint32_t>(exponent) << 23;
  const float mantissa = std::bit_cast<float>(bits);
  const float s = (mantissa - 1) / (mantissa + 1), z = s * s;
  float sum = 1.0f / 11;
  for (int k = 9; k >= 1; k -= 2) sum = sum * z + 1.0f / static_cast<float>(k);
  return static_cast<float>(exponent) * 0.693147181f + 2 * s * sum;
}

// Two normally distributed numbers from two words (Box & Muller 1958).
[[gnu::always_inline]] inline void normal_pair(uint32_t first, uint32_t second, float& a,
                                               float& b) {
  const float u = (static_cast<float>(static_cast<int32_t>(first >> 8)) + 0.5f) * 0x1p-24f;
  const float turns = static_cast<float>(static_cast<int32_t>(second >> 8)) * 0x1p-24f;
  const float radius = std::sqrt(-2 * log_of_fraction(u));
  float sine, cosine;
  sine_and_cosine(turns, sine, cosine);
  a = radius * cosine;
  b = radius * sine;
}

}  // namespace chainrule
