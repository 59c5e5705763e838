#include <algorithm>

#include "kernels/factory.h"
#include "kernels/vector/program.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Runs a vector program over all elements of a shape.
template <typename T>
class Map final : public Kernel {
 public:
  explicit Map(const StepReader& step) : program_(step, kBlock) {}

  void run(const Run& run) const override {
    const int64_t elements = program_.elements();
    program_.start(run);
    for (int64_t first = 0; first < elements; first += kBlock) {
      program_.block(first, std::min(kBlock, elements - first));
    }
  }

 private:
  // Long enough to make calls cheap, and short enough for several registers to fit in the
  // first-level cache, and for the streams from memory to alternate often.
  static constexpr int64_t kBlock = 2048 / sizeof(T);

  mutable Program<T> program_;
};

}  // namespace

std::unique_ptr<Kernel> make_map(const StepReader& step) {
  const std::string compute = step.text("compute");
  if (compute == "float32") return std::make_unique<Map<float>>(step);
  require(step, compute == "float64", "compute must be float32 or float64");
  return std::make_unique<Map<double>>(step);
}

}  // namespace chainrule::CHAINRULE_ISA
