#pragma once

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// The weight gradient by Winograd's method, for steps that `takes_winograd` accepts.
std::unique_ptr<Kernel> make_winograd_conv2d_weight_grad(const StepReader& step);

}  // namespace chainrule::CHAINRULE_ISA
