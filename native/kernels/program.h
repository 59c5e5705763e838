#pragma once

#include <array>

#include "listing.h"
#include "operand_stream.h"
#include "uniform_stream.h"

namespace chainrule::CHAINRULE_ISA {

// Stores n elements of type T, as the output's dtype, from element `first` of the output on.
template <typename T>
using Store = void (*)(const T* values, int64_t n, std::byte* output, int64_t first);

template <typename T>
Store<T> store_as(DType dtype);

// A vector program, ready to run on one block of elements after another. Not for two threads at a
// time.
template <typename T>
class Program {
 public:
  // A block has at most `block` elements. `extra_result`, if any, is the field that names a
  // register whose elements each block returns.
  Program(const StepReader& step, int64_t block, const char* extra_result = nullptr);

  int64_t elements() const { return elements_; }

  // Called once a run, before its blocks.
  void start(const Run& run);

  // Computes n elements of the flattened shape and stores those of the outputs. Returns the
  // elements of the extra result, which last until the next block.
  const T* block(int64_t first, int64_t n);

 private:
  struct Call {
    Loop<T> loop;
    int out, arity;
    std::array<int, kMaxArity> inputs;
  };
  struct Source {
    int value;
    OperandStream<T> stream;
  };
  struct Draw {
    int value;
    UniformStream<T> stream;
  };
  struct Output {
    Operand operand;
    int value;
    Store<T> store;
    bool direct;        // the last instruction writes into the output itself
    T* scratch;         // where it writes the last, incomplete lines
    std::byte* memory;  // of this run
  };

  void add_value(const Listing& list, int value, const std::vector<Operand>& operands,
                 const Dims& shape);
  void add_call(const Listing& list, int value);
  void add_outputs(const StepReader& step, const Listing& list);
  bool may_write_directly(const Listing& list, const Output& output) const;
  void place_values(const Listing& list);
  void call(const Call& call, int64_t n);

  int64_t block_, elements_;
  std::vector<Source> scalars_, sources_;
  std::vector<Draw> draws_;
  std::vector<Call> scalar_calls_, calls_;
  std::vector<Output> outputs_;
  int extra_ = -1;
  Scratch<T> lines_, registers_;
  std::vector<T*> at_;  // where the elements of each value are
};

}  // namespace chainrule::CHAINRULE_ISA
