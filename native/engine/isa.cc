#include "engine/isa.h"

#include <cstdlib>

#include "kernels/registry.h"

namespace chainrule {
namespace {

std::vector<InstructionSet> find_usable() {
  std::vector<InstructionSet> found;
  const auto add = [&](const char* name, const Registry& registry) {
    found.push_back({name, registry.kernels, registry.operations, registry.largest, registry.probe,
                     registry.own_products});
  };
#ifdef CHAINRULE_HAS_BASELINE
  add("baseline", baseline::registry());
#endif
#ifdef CHAINRULE_HAS_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    add("avx2", avx2::registry());
  }
#endif
#ifdef CHAINRULE_HAS_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    add("avx512", avx512::registry());
  }
#endif
#ifdef CHAINRULE_HAS_NEON
  add("neon", neon::registry());
#endif
  return found;
}

const InstructionSet& choose() {
  const char* wanted = std::getenv("CHAINRULE_ISA");
  if (wanted == nullptr || *wanted == '\0') return usable_isas().back();
  std::string names;
  for (const InstructionSet& isa : usable_isas()) {
    if (isa.name == std::string(wanted)) return isa;
    names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  throw std::runtime_error("CHAINRULE_ISA: must be one of " + names + " here, got '" + wanted +
                           "'");
}

}  // namespace

std::span<const InstructionSet> usable_isas() {
  static const std::vector<InstructionSet> usable = find_usable();
  return usable;
}

const InstructionSet& chosen_isa() {
  static const InstructionSet& chosen = choose();
  return chosen;
}

}  // namespace chainrule
