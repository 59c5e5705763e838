#include "kernels/vector/listing.h"

#include <string_view>

#include "kernels/factory.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

using Kind = Value::Kind;

class Reader {
 public:
  Reader(const StepReader& step, const std::vector<bool>& scalars) : step_(step) {
    for (bool scalar : scalars) {
      list_.values.push_back({.kind = Kind::kOperand, .scalar = scalar});
    }
    for (const StepReader& instruction : step.items("instructions")) read(instruction);
  }

  // Outputs may be stored over operands, so that none of them can be a result beside an output.
  Listing finish(const Dims& results, bool stores) {
    for (int64_t index : results) {
      const int result = lookup(index);
      require(step_, !list_[result].scalar, "a result is one element for all, and must be a copy");
      require(step_, !stores || list_[result].kind != Kind::kOperand,
              "a result is an operand, and must be a copy");
      list_.results.push_back(result);
    }
    count_uses();
    return std::move(list_);
  }

 private:
  int lookup(int64_t index) const {
    require(step_, index >= 0 && index < static_cast<int64_t>(list_.values.size()),
            "an instruction reads a register that is not there yet");
    return static_cast<int>(index);
  }

  void read(const StepReader& instruction) {
    const std::string code = instruction.text("code");
    if (code == "constant") {
      list_.values.push_back(
          {.kind = Kind::kConstant, .number = instruction.number("value"), .scalar = true});
    } else if (code == "uniform") {
      list_.values.push_back({.kind = Kind::kUniform, .number = instruction.number("value")});
    } else {
      read_computed(named(code), instruction);
    }
  }

  void read_computed(int operation, const StepReader& instruction) {
    const Operation& facts = operations()[operation];
    Value value{.kind = Kind::kComputed, .operation = operation};
    for (int64_t index : instruction.integers("inputs")) value.inputs.push_back(lookup(index));
    require(step_, static_cast<int>(value.inputs.size()) == facts.arity,
            "an instruction has the wrong number of inputs");
    require(step_, !instruction.has("value"), "only a constant and a uniform have a value");
    value.scalar = operation != copy_operation();
    for (int input : value.inputs) value.scalar = value.scalar && list_[input].scalar;
    require(step_, facts.takes(value.scalar ? 0 : scalar_inputs(list_, value.inputs)),
            "an instruction does not take these inputs as scalars");
    list_.values.push_back(std::move(value));
  }

  int named(std::string_view code) const {
    const std::span<const Operation> all = operations();
    for (size_t i = 0; i < all.size(); ++i) {
      if (code == all[i].name) return static_cast<int>(i);
    }
    throw PlanError(step_.kernel() + ": there is no instruction '" + std::string(code) + "'");
  }

  // Backwards, so that the inputs of unused values are unused as well.
  void count_uses() {
    for (int result : list_.results) ++list_.values[result].uses;
    for (size_t i = list_.values.size(); i-- > 0;) {
      if (list_.values[i].uses == 0) continue;
      for (int input : list_.values[i].inputs) ++list_.values[input].uses;
    }
  }

  const StepReader& step_;
  Listing list_;
};

}  // namespace

unsigned scalar_inputs(const Listing& list, const std::vector<int>& inputs) {
  unsigned scalars = 0;
  for (size_t k = 0; k < inputs.size(); ++k) scalars |= unsigned{list[inputs[k]].scalar} << k;
  return scalars;
}

Listing read_listing(const StepReader& step, const std::vector<bool>& scalars, const Dims& kept) {
  Dims results = step.integers("results");
  const bool stores = !results.empty();
  results.insert(results.end(), kept.begin(), kept.end());
  return Reader(step, scalars).finish(results, stores);
}

}  // namespace chainrule::CHAINRULE_ISA
