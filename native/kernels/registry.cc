#include "kernels/registry.h"

#include "engine/scan.h"
#include "kernels/gemm/matrix_product.h"
#include "kernels/isa.h"
#include "kernels/probe/probe.h"
#include "kernels/reduce/largest.h"
#include "kernels/vector/instructions.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

#define CHAINRULE_ENTRY(name, make) {name, make},
constexpr KernelEntry kKernels[] = {CHAINRULE_KERNELS(CHAINRULE_ENTRY){"scan", make_scan}};
#undef CHAINRULE_ENTRY

}  // namespace

Registry registry() { return {kKernels, operations(), largest, probe(), kHasProduct}; }

}  // namespace chainrule::CHAINRULE_ISA
