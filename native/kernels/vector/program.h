#pragma once

#include <array>

#include "kernels/vector/listing.h"
#include "kernels/vector/operand_stream.h"
#include "kernels/vector/uniform_stream.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// Stores n elements of type T, as the output's dtype, from element `first` of the output on.
template <typename T>
using Store = void (*)(const T* values, int64_t n, std::byte* output, int64_t first);

template <typename T>
Store<T> store_as(DType dtype);

// A vector program, ready to run on one block of elements after another. Not thread-safe.
template <typename T>
class Program {
 public:
  // A block has at most `block` elements. `kept` are registers whose elements can be read after
  // each block.
  Program(const StepReader& step, int64_t block, const Dims& kept = {});

  int64_t elements() const { return elements_; }

  // Called once per run, before its blocks.
  void start(const Run& run);

  // Computes n elements of the flattened shape and stores those of the outputs.
  void block(int64_t first, int64_t n);

  // The elements of kept register number i, which last until the next block.
  const T* kept(size_t i) const { return at_[kept_[i]]; }

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
    T* scratch;         // destination of the last, incomplete lines
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
  std::vector<int> kept_;
  Scratch<T> lines_, registers_;
  std::vector<T*> at_;  // where the elements of each value are
  int64_t work_ = 1;    // of an element
  AbortCheck check_;
};

}  // namespace chainrule::CHAINRULE_ISA
