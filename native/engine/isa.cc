#include "engine/isa.h"

#include "engine/limits/processor.h"
#include "kernels/registry.h"
#include "platform/environment.h"

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
  if (has_avx2()) add("avx2", avx2::registry());
#endif
#ifdef CHAINRULE_HAS_AVX512
  if (has_avx512()) add("avx512", avx512::registry());
#endif
#ifdef CHAINRULE_HAS_NEON
  add("neon", neon::registry());
#endif
  return found;
}

const InstructionSet& choose() {
  const std::string wanted = environment_variable("CHAINRULE_ISA");
  if (wanted.empty()) return usable_isas().back();
  std::string names;
  for (const InstructionSet& isa : usable_isas()) {
    if (isa.name == wanted) return isa;
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
