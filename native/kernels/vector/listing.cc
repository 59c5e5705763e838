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
      register_.push_back(static_cast<int>(register_.size()));
    }
    for (const auto& instruction : step.items("instructions")) read(*instruction);
  }

  Listing finish(const Dims& results, bool stores) {
    for (int64_t result : results) list_.results.push_back(settled(lookup(result), stores));
    return std::move(list_);
  }

 private:
  int lookup(int64_t index) const {
    require(step_, index >= 0 && index < static_cast<int64_t>(register_.size()),
            "an instruction reads a register that is not there yet");
    return register_[index];
  }

  void read(const StepReader& instruction) {
    const std::string code = instruction.text("code");
    if (code == "constant") return define(constant(instruction.number("value")));
    if (code == "uniform") {
      return define(push({.kind = Kind::kUniform, .number = instruction.number("value")}));
    }
    std::vector<int> inputs;
    for (int64_t index : instruction.integers("inputs")) inputs.push_back(lookup(index));
    if (instruction.has("value")) inputs.push_back(constant(instruction.number("value")));
    const int operation = named(code);
    require(step_, static_cast<int>(inputs.size()) == operation_info(operation).arity,
            "an instruction has the wrong number of inputs");
    define(computed(operation, std::move(inputs)));
  }

  int named(std::string_view code) const {
    for (int i = 0; i < kOperations; ++i) {
      if (!code.empty() && code == operation_info(i).name) return i;
    }
    throw PlanError(step_.kernel() + ": there is no instruction '" + std::string(code) + "'");
  }

  void define(int value) { register_.push_back(value); }

  int push(Value value) {
    list_.values.push_back(std::move(value));
    return static_cast<int>(list_.values.size()) - 1;
  }

  int constant(double number) {
    return push({.kind = Kind::kConstant, .number = number, .scalar = true});
  }

  // Normalises equivalent forms: scalars go to the right, a < b becomes b > a, and most powers
  // become products or roots.
  int computed(int operation, std::vector<int> inputs) {
    if (operation_info(operation).commutative && list_[inputs[0]].scalar) {
      std::swap(inputs[0], inputs[1]);
    } else if (operation == id<Lt> || operation == id<Le>) {
      operation = operation == id<Lt> ? id<Gt> : id<Ge>;
      std::swap(inputs[0], inputs[1]);
    } else if (operation == id<Pow> && list_[inputs[1]].kind == Kind::kConstant) {
      const double exponent = list_[inputs[1]].number;
      const int simpler = exponent == 2     ? id<Square>
                          : exponent == 1   ? id<Copy>
                          : exponent == 0.5 ? id<Sqrt>
                          : exponent == -1  ? id<Reciprocal>
                                            : id<Pow>;
      if (simpler != id<Pow>) operation = simpler, inputs.pop_back();
    }
    bool scalar = true;
    for (int input : inputs) scalar = scalar && list_[input].scalar;
    return push({.kind = Kind::kComputed,
                 .operation = operation,
                 .inputs = std::move(inputs),
                 .scalar = scalar});
  }

  // A scalar result is expanded. A result that is an operand is copied, because the outputs may
  // overwrite it in place.
  int settled(int value, bool stores) {
    if (!list_[value].scalar && !(stores && list_[value].kind == Kind::kOperand)) return value;
    return push({.kind = Kind::kComputed, .operation = id<Copy>, .inputs = {value}});
  }

  const StepReader& step_;
  Listing list_;
  std::vector<int> register_;  // of the plan, to values
};

// Backwards, so that the inputs of unused values are unused as well.
void count_uses(Listing& list) {
  for (int result : list.results) ++list.values[result].uses;
  for (size_t i = list.values.size(); i-- > 0;) {
    if (list.values[i].uses == 0) continue;
    for (int input : list.values[i].inputs) ++list.values[input].uses;
  }
}

// Joins the inner operation of a fusion into `value`, if input number `at` has no other use.
bool join(Listing& list, Value& value, int fusion, int at) {
  const OperationInfo& info = operation_info(fusion);
  Value& inner = list.values[value.inputs[at]];
  if (inner.operation != info.inner || inner.uses != 1 || inner.scalar) return false;
  std::vector<int> inputs = value.inputs;
  std::swap(inputs[at], inputs[info.place]);
  const auto place = inputs.erase(inputs.begin() + info.place);
  inputs.insert(place, inner.inputs.begin(), inner.inputs.end());
  if (!find_loop<float>(fusion, scalar_inputs(list, inputs))) return false;
  value.operation = fusion;
  value.inputs = std::move(inputs);
  inner.uses = 0;
  return true;
}

bool join_any(Listing& list, Value& value) {
  for (int fusion = 0; fusion < kOperations; ++fusion) {
    const OperationInfo& info = operation_info(fusion);
    if (info.outer != value.operation) continue;
    if (join(list, value, fusion, info.place)) return true;
    if (operation_info(info.outer).commutative && join(list, value, fusion, 1 - info.place)) {
      return true;
    }
  }
  return false;
}

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
  Listing list = Reader(step, scalars).finish(results, stores);
  count_uses(list);
  return list;
}

void fuse(Listing& list) {
  for (Value& value : list.values) {
    if (value.kind != Value::Kind::kComputed || value.scalar || value.uses == 0) continue;
    while (join_any(list, value)) continue;
  }
}

}  // namespace chainrule::CHAINRULE_ISA
