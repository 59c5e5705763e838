#include "kernels/registry.h"

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

#define CHAINRULE_ENTRY(name, make) {name, make},
constexpr KernelEntry kKernels[] = {CHAINRULE_KERNELS(CHAINRULE_ENTRY)};
#undef CHAINRULE_ENTRY

}  // namespace

std::span<const KernelEntry> registry() { return kKernels; }

}  // namespace chainrule::CHAINRULE_ISA
