#pragma once

#include <vector>

#include "kernels/vector/instructions.h"

namespace chainrule::CHAINRULE_ISA {

// One value of a vector program: its source, or the operation that computes it.
struct Value {
  enum class Kind { kOperand, kConstant, kUniform, kComputed };

  Kind kind;
  int operation = -1;  // of kComputed
  std::vector<int> inputs = {};
  double number = 0;    // a constant's value, a uniform's key
  bool scalar = false;  // the same for all elements of the step
  int uses = 0;         // by other values and as a result
};

// A vector program as a list of values, each after its inputs: operand i is value i, then each
// instruction defines the next.
struct Listing {
  std::vector<Value> values;
  std::vector<int> results;

  const Value& operator[](int value) const { return values[value]; }
};

// Reads the instructions of a step; `scalars` says for each operand whether it is one element for
// all, and `kept` names registers that are results besides the stored ones. Throws PlanError unless
// there is a loop for each instruction, and each result can be stored while operands in the same
// memory are read.
Listing read_listing(const StepReader& step, const std::vector<bool>& scalars, const Dims& kept);

// Bit k is set if input k is a scalar.
unsigned scalar_inputs(const Listing& list, const std::vector<int>& inputs);

}  // namespace chainrule::CHAINRULE_ISA
