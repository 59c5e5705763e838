#pragma once

#include <algorithm>

#include "kernels/reduce/combiner.h"
#include "kernels/vector/program.h"

namespace chainrule::CHAINRULE_ISA {

// One reduction: the register that is reduced, the operation, and the output.
template <typename T>
struct Reduction {
  const Combiner<T>& combiner;
  int64_t result;
  Operand output;
  Store<T> store;
};

// Base of the reducers: the program that makes the elements, and the reductions, which consume each
// block in turn.
template <typename T>
class Reducer : public Kernel {
 public:
  using Reductions = std::vector<Reduction<T>>;

  Reducer(const StepReader& step, const Extent& extent, Reductions reductions, int64_t block)
      : extent_(extent),
        block_(block),
        reductions_(std::move(reductions)),
        program_(step, block, results(reductions_)) {}

 protected:
  size_t count() const { return reductions_.size(); }
  const Combiner<T>& combiner(size_t k) const { return reductions_[k].combiner; }

  void store(const Run& run, size_t k, const T* values, int64_t n, int64_t first) const {
    const Reduction<T>& reduction = reductions_[k];
    reduction.store(values, n, run.at<std::byte>(reduction.output), first);
  }

  const Extent extent_;
  const int64_t block_;
  const Reductions reductions_;
  mutable Program<T> program_;

 private:
  static Dims results(const Reductions& reductions) {
    Dims registers;
    for (const Reduction<T>& reduction : reductions) registers.push_back(reduction.result);
    return registers;
  }
};

}  // namespace chainrule::CHAINRULE_ISA
