#pragma once

#include "engine/operand.h"

namespace chainrule {

// The largest magnitude of `count` numbers of a floating dtype; infinite if any of them is NaN or
// infinite, 0 if there are none.
using Largest = double (*)(const std::byte* values, int64_t count, DType dtype);

}  // namespace chainrule
