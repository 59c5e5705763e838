#include "engine/kernel.h"

#include <chrono>

namespace chainrule {

void Kernel::run_timed(const Run& run, std::span<double> milliseconds) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  this->run(run);
  const std::chrono::duration<double, std::milli> time = Clock::now() - start;
  milliseconds.front() += time.count();
}

void Kernel::run_sum(std::span<const Run>, std::span<const int32_t>) const {
  throw PlanError("plan: the kernel cannot add up runs");
}

}  // namespace chainrule
