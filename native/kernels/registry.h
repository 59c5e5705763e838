#pragma once

#include <span>

#include "engine/kernel.h"

// The kernels by their names in plans, once per instruction set. Only those that were built are
// defined.
namespace chainrule {
namespace baseline {
std::span<const KernelEntry> registry();
}
namespace avx2 {
std::span<const KernelEntry> registry();
}
namespace avx512 {
std::span<const KernelEntry> registry();
}
namespace neon {
std::span<const KernelEntry> registry();
}
}  // namespace chainrule
