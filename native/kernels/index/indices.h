#pragma once

#include <cstdint>
#include <string>

#include "engine/op_error.h"
#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// Stops a run at an index outside [low, high), with an error that names the user's op.
struct IndexCheck {
  std::string name;
  int64_t low, high;

  void operator()(int64_t index, int64_t position) const {
    if (index < low || index >= high) [[unlikely]]
      fail(index, position);
  }

  [[noreturn]] void fail(int64_t index, int64_t position) const {
    throw OpError(name,
                  "index " + std::to_string(index) + " at position " + std::to_string(position) +
                      " is outside " + std::to_string(low) + ".." + std::to_string(high - 1),
                  kDataCode);
  }
};

}  // namespace chainrule::CHAINRULE_ISA
