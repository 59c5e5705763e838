#pragma once

#include <span>

#include "engine/kernel.h"
#include "engine/largest.h"
#include "engine/limits/probe.h"
#include "engine/operation.h"

namespace chainrule {

struct InstructionSet {
  const char* name;
  std::span<const KernelEntry> kernels;
  std::span<const Operation> operations;
  Largest largest;
  Probe probe;
  // True if its kernels multiply matrices by themselves, so that a row's bits do not depend on the
  // number of rows. Else the BLAS does.
  bool own_products;
};

// The instruction sets that were built and that this CPU supports, lowest first.
std::span<const InstructionSet> usable_isas();

// The highest usable one, or the one that CHAINRULE_ISA names; throws if that one is unknown or
// unusable. The choice holds for the whole process.
const InstructionSet& chosen_isa();

}  // namespace chainrule
