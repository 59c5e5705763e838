#pragma once

#include <memory>
#include <span>

#include "engine/kernel.h"
#include "engine/plain_value.h"

namespace chainrule {

// A loop: a routine that runs once per step. `body` describes the routine.
std::unique_ptr<Kernel> make_scan(const StepReader& step, const PlainValue& body,
                                  std::span<const KernelEntry> kernels);

}  // namespace chainrule
