#pragma once

#include "engine/kernel.h"

namespace chainrule {

// A loop: a routine, described by the field `body`, that runs once per step.
std::unique_ptr<Kernel> make_scan(const StepReader& step);

}  // namespace chainrule
