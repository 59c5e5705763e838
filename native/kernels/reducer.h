#pragma once

#include <algorithm>

#include "combine.h"
#include "program.h"

namespace chainrule::CHAINRULE_ISA {

// A reduction over the middle of [outer, length, inner].
struct Extent {
  int64_t outer, length, inner;

  int64_t group() const { return length * inner; }  // elements for each outer index
};

// What the reducers share: the program whose elements they consume, and the output.
template <class Operation, typename T>
class Reducer : public Kernel {
 public:
  Reducer(const StepReader& step, const Extent& extent, int64_t block)
      : extent_(extent),
        block_(block),
        program_(step, block, "result"),
        output_(step.operand("output")),
        store_(store_as<T>(output_.dtype)) {}

 protected:
  static constexpr T kIdentity = Operation::template identity<T>();

  void store(const Run& run, const T* values, int64_t n, int64_t first) const {
    store_(values, n, run.at<std::byte>(output_), first);
  }

  const Extent extent_;
  const int64_t block_;
  mutable Program<T> program_;

 private:
  Operand output_;
  Store<T> store_;
};

}  // namespace chainrule::CHAINRULE_ISA
