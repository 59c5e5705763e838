#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/largest.h"
#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// The largest magnitude of some numbers; infinite if any of them is NaN or infinite, 0 if there are
// none. Reads them as fast as memory delivers them.
double largest(const float* values, int64_t count);
double largest(const double* values, int64_t count);

// The same of numbers of a floating dtype.
double largest(const std::byte* values, int64_t count, DType dtype);

}  // namespace chainrule::CHAINRULE_ISA
