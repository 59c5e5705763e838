#pragma once

#include <span>

#include "engine/kernel.h"
#include "engine/largest.h"
#include "engine/limits/probe.h"
#include "engine/operation.h"

// The kernels and the operations of the vector machine by their names in plans, once per
// instruction set. Only those that were built are defined.
namespace chainrule {

struct Registry {
  std::span<const KernelEntry> kernels;
  std::span<const Operation> operations;
  Largest largest;
  Probe probe;
  bool own_products;
};

namespace baseline {
Registry registry();
}
namespace avx2 {
Registry registry();
}
namespace avx512 {
Registry registry();
}
namespace neon {
Registry registry();
}
}  // namespace chainrule
