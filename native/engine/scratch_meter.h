#pragma once

#include <cstddef>

namespace chainrule {

// Measures the scratch memory that kernels allocate on this thread during its lifetime.
class ScratchMeter {
 public:
  ScratchMeter();
  size_t bytes() const;

  // Called for each allocation.
  static void add(size_t bytes);

 private:
  size_t before_;
};

}  // namespace chainrule
