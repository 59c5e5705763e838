#include "kernels/vector/program.h"

#include <algorithm>

#include "kernels/factory.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

using Kind = Value::Kind;

template <typename T, typename D>
void store(const T* values, int64_t n, std::byte* output, int64_t first) {
  D* out = reinterpret_cast<D*>(output) + first;
  for (int64_t i = 0; i < n; ++i) {
    // Through int32, so that a value that does not fit in a byte wraps instead of being undefined.
    if constexpr (sizeof(D) == 1) {
      out[i] = static_cast<D>(static_cast<int32_t>(values[i]));
    } else {
      out[i] = static_cast<D>(values[i]);
    }
  }
}

std::vector<bool> scalar_operands(const StepReader& step, const std::vector<Operand>& operands,
                                  const Dims& shape) {
  std::vector<bool> scalars;
  for (const Operand& operand : operands) {
    require(step, operand.shape == shape, "an operand has another shape than the step");
    scalars.push_back(scalar(operand));
  }
  return scalars;
}

// Assigns registers to values: a register is free again after the last use of its value.
class Registers {
 public:
  explicit Registers(const Listing& list) : left_(list.values.size()), of_(list.values.size(), -1) {
    for (size_t i = 0; i < left_.size(); ++i) left_[i] = list[i].uses;
  }

  // Inputs are freed first, so that a result may reuse the register of an input.
  void assign(const Listing& list, int value) {
    for (int input : list[value].inputs) {
      if (--left_[input] == 0 && of_[input] >= 0) free_.push_back(of_[input]);
    }
    if (free_.empty()) free_.push_back(count_++);
    of_[value] = free_.back();
    free_.pop_back();
  }

  int count() const { return count_; }
  int operator[](int value) const { return of_[value]; }

 private:
  std::vector<int> left_, of_, free_;
  int count_ = 0;
};

bool same_memory(const Operand& a, const Operand& b) {
  return a.buffer == b.buffer && a.offset == b.offset;
}

}  // namespace

template <typename T>
Store<T> store_as(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return store<T, float>;
    case DType::kFloat64:
      return store<T, double>;
    case DType::kInt32:
      return store<T, int32_t>;
    default:
      return store<T, uint8_t>;
  }
}

template <typename T>
Program<T>::Program(const StepReader& step, int64_t block, const Dims& kept)
    : block_(whole_lines<T>(block)) {
  const Dims shape = step.integers("shape");
  const std::vector<Operand> operands = step.operands("operands");
  elements_ = product(shape);
  const Listing list = read_listing(step, scalar_operands(step, operands, shape), kept);
  for (int i = 0; i < static_cast<int>(list.values.size()); ++i) {
    if (list[i].uses > 0) add_value(list, i, operands, shape);
  }
  kept_.assign(list.results.end() - kept.size(), list.results.end());
  add_outputs(step, list);
  place_values(list);
  work_ = static_cast<int64_t>(sources_.size() + calls_.size() + 4 * draws_.size());
}

template <typename T>
void Program<T>::add_value(const Listing& list, int value, const std::vector<Operand>& operands,
                           const Dims& shape) {
  const Value& item = list[value];
  if (item.kind == Kind::kOperand) {
    (item.scalar ? scalars_ : sources_).push_back({value, {operands[value], block_}});
  } else if (item.kind == Kind::kUniform) {
    const auto key = static_cast<uint32_t>(static_cast<int64_t>(item.number));
    draws_.push_back({value, {key, shape, block_}});
  } else if (item.kind == Kind::kComputed) {
    add_call(list, value);
  }
}

template <typename T>
void Program<T>::add_call(const Listing& list, int value) {
  const Value& item = list[value];
  const unsigned scalars = item.scalar ? 0 : scalar_inputs(list, item.inputs);
  Call call{find_loop<T>(item.operation, scalars), value, static_cast<int>(item.inputs.size()), {}};
  std::copy(item.inputs.begin(), item.inputs.end(), call.inputs.begin());
  (item.scalar ? scalar_calls_ : calls_).push_back(call);
}

template <typename T>
void Program<T>::add_outputs(const StepReader& step, const Listing& list) {
  const std::vector<Operand> operands = step.operands("outputs");
  require(step, operands.size() + kept_.size() == list.results.size(),
          "results and outputs differ in number");
  for (size_t i = 0; i < operands.size(); ++i) {
    require(step, operands[i].elements() == elements_ && operands[i].contiguous(),
            "an output is not contiguous, or has another size than the step");
    Output output{operands[i], list.results[i], store_as<T>(operands[i].dtype),
                  false,       nullptr,         nullptr};
    output.direct = may_write_directly(list, output);
    outputs_.push_back(output);
  }
}

// False if the old contents of the output's memory are still read after this value is computed.
template <typename T>
bool Program<T>::may_write_directly(const Listing& list, const Output& output) const {
  if (list[output.value].kind != Kind::kComputed || output.operand.dtype != kDType<T>) return false;
  for (const Output& other : outputs_) {
    if (other.direct && other.value == output.value) return false;
  }
  for (const Source& source : sources_) {
    if (!same_memory(source.stream.operand(), output.operand)) continue;
    const auto reads = [&](const Call& call) {
      const std::vector<int>& inputs = list[call.out].inputs;
      return call.out > output.value &&
             std::find(inputs.begin(), inputs.end(), source.value) != inputs.end();
    };
    if (std::any_of(calls_.begin(), calls_.end(), reads)) return false;
  }
  return true;
}

template <typename T>
void Program<T>::place_values(const Listing& list) {
  Registers registers(list);
  for (const Call& call : calls_) registers.assign(list, call.out);
  registers_ = Scratch<T>(registers.count() * block_);
  lines_ = Scratch<T>(static_cast<int64_t>(list.values.size()) * kLine<T>);
  at_.resize(list.values.size());
  for (size_t i = 0; i < at_.size(); ++i) {
    if (!list[i].scalar && registers[i] >= 0) at_[i] = registers_.data() + registers[i] * block_;
    if (list[i].scalar) {
      T* line = lines_.data() + i * kLine<T>;
      std::fill_n(line, kLine<T>, static_cast<T>(list[i].number));
      at_[i] = line;
    }
  }
  for (Output& output : outputs_) output.scratch = at_[output.value];
}

template <typename T>
inline void Program<T>::call(const Call& call, int64_t n) {
  const T* inputs[kMaxArity];
  for (int k = 0; k < call.arity; ++k) inputs[k] = at_[call.inputs[k]];
  call.loop(n, at_[call.out], inputs);
}

template <typename T>
void Program<T>::start(const Run& run) {
  if (elements_ == 0) return;
  for (Source& scalar : scalars_) {
    scalar.stream.start(run);
    std::fill_n(at_[scalar.value], kLine<T>, scalar.stream.first());
  }
  for (const Call& scalar : scalar_calls_) call(scalar, kLine<T>);
  for (Source& source : sources_) source.stream.start(run);
  for (Draw& draw : draws_) draw.stream.start(run);
  for (Output& output : outputs_) output.memory = run.at<std::byte>(output.operand);
}

template <typename T>
void Program<T>::block(int64_t first, int64_t n) {
  const int64_t padded = whole_lines<T>(n);
  for (Source& source : sources_) at_[source.value] = source.stream.fetch(first, n);
  for (Draw& draw : draws_) at_[draw.value] = draw.stream.fetch(first, n);
  for (const Output& output : outputs_) {
    if (!output.direct) continue;
    at_[output.value] = padded == n ? reinterpret_cast<T*>(output.memory) + first : output.scratch;
  }
  for (const Call& step : calls_) call(step, padded);
  for (const Output& output : outputs_) {
    if (!output.direct || padded != n) output.store(at_[output.value], n, output.memory, first);
  }
  check_.after(n * work_);
}

template Store<float> store_as<float>(DType);
template Store<double> store_as<double>(DType);
template class Program<float>;
template class Program<double>;

}  // namespace chainrule::CHAINRULE_ISA
