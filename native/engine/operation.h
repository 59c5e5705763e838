#pragma once

namespace chainrule {

// An operation of the vector machine, as the compiler has to know it. The same for all instruction
// sets.
struct Operation {
  const char* name;
  int arity;
  bool commutative;

  // True if there is a loop for these inputs: bit k of `scalars` is set if input k is one element
  // for all.
  bool (*takes)(unsigned scalars);

  // A fusion computes in one pass what `outer` makes of the result of `inner`, which is its input
  // number `place`. The inputs of `inner` stand in that place. Null and -1 for other operations.
  const char* outer = nullptr;
  const char* inner = nullptr;
  int place = -1;
};

}  // namespace chainrule
