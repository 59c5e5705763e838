#include "kernels/vector/loops.h"

// Compiled without contraction: a fused product is rounded before it is added, so that the bits of
// a value do not depend on what it is fused with.
namespace chainrule::CHAINRULE_ISA {

template <typename T>
Loop<T> find_fusion(int fusion, unsigned scalars) {
  static constexpr auto kLoops = all_loops<T>(static_cast<Fusions*>(nullptr));
  return kLoops[fusion][scalars];
}

template Loop<float> find_fusion<float>(int, unsigned);
template Loop<double> find_fusion<double>(int, unsigned);

}  // namespace chainrule::CHAINRULE_ISA
