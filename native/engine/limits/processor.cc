#include "engine/limits/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>
#endif

namespace chainrule {

#if defined(__x86_64__)
namespace {

// The compilers' __builtin_cpu_supports needs a variable of their runtime libraries, which not all
// of these have.
struct Features {
  bool avx2 = false, avx512 = false;
};

// The registers that the operating system saves when it switches between threads.
uint64_t saved_registers() {
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

Features look() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & bit_OSXSAVE) == 0) return {};
  const bool fma = (ecx & bit_FMA) != 0;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return {};

  // Of XCR0: the low halves of the vectors and their high halves; then masks, the high halves of
  // 512 bits, and registers 16 to 31.
  constexpr uint64_t kVectors = 0x06, kWideVectors = 0xe6;
  constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
  const uint64_t saved = saved_registers();
  const bool avx2 = fma && (ebx & bit_AVX2) != 0 && (saved & kVectors) == kVectors;
  const bool avx512 = avx2 && (ebx & kAvx512) == kAvx512 && (saved & kWideVectors) == kWideVectors;
  return {avx2, avx512};
}

const Features& features() {
  static const Features found = look();
  return found;
}

}  // namespace

bool has_avx2() { return features().avx2; }
bool has_avx512() { return features().avx512; }
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
#endif

}  // namespace chainrule
