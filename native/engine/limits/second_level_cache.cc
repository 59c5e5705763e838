#include "engine/limits/second_level_cache.h"

#include <charconv>
#include <stdexcept>
#include <string>

#include "platform/environment.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace chainrule {
namespace {

#if defined(__x86_64__)
// The size of the second-level cache in one of the two lists that processors have: Intel's (leaf 4)
// or AMD's (leaf 0x8000001D).
int64_t size_in(unsigned leaf) {
  constexpr unsigned kMostCaches = 16;
  for (unsigned i = 0; i < kMostCaches; ++i) {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (!__get_cpuid_count(leaf, i, &eax, &ebx, &ecx, &edx)) return 0;
    const unsigned type = eax & 31, level = eax >> 5 & 7;
    constexpr unsigned kNone = 0, kInstructions = 2;
    if (type == kNone) return 0;
    if (level != 2 || type == kInstructions) continue;
    const int64_t ways = (ebx >> 22) + 1, partitions = (ebx >> 12 & 1023) + 1;
    const int64_t line = (ebx & 4095) + 1, sets = int64_t{ecx} + 1;
    return ways * partitions * line * sets;
  }
  return 0;
}

int64_t measured() {
  const int64_t intel = size_in(4);
  return intel > 0 ? intel : size_in(0x8000001D);
}
#else
int64_t measured() { return 0; }
#endif

int64_t choose() {
  const std::string wanted = environment_variable("CHAINRULE_L2_CACHE");
  if (wanted.empty()) return measured();
  int64_t bytes = 0;
  const char* const end = wanted.data() + wanted.size();
  const auto [stop, error] = std::from_chars(wanted.data(), end, bytes);
  if (error == std::errc() && stop == end && bytes > 0) return bytes;
  throw std::runtime_error("CHAINRULE_L2_CACHE: must be a positive number of bytes, got '" +
                           wanted + "'");
}

}  // namespace

int64_t second_level_cache() {
  static const int64_t bytes = choose();
  return bytes;
}

}  // namespace chainrule
