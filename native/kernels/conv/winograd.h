#pragma once

#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// Convolutions by Winograd's method, for steps that `takes_winograd` accepts.
std::unique_ptr<Kernel> make_winograd_conv2d(const StepReader& step);
std::unique_ptr<Kernel> make_winograd_conv2d_input_grad(const StepReader& step);
std::unique_ptr<Kernel> make_winograd_conv2d_weight_grad(const StepReader& step);

}  // namespace chainrule::CHAINRULE_ISA
