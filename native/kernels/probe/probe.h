#pragma once

#include "engine/limits/probe.h"
#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// The limits that kernels are measured against: a loop that multiplies and adds in registers alone,
// and loops that only move memory.
Probe probe();

}  // namespace chainrule::CHAINRULE_ISA
