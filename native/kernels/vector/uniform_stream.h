#pragma once

#include "kernels/philox.h"
#include "kernels/scratch.h"
#include "kernels/vector/instructions.h"

namespace chainrule::CHAINRULE_ISA {

// Delivers uniform numbers in [0, 1) that depend only on the seed, the step, the node and the
// element's global index.
template <typename T>
class UniformStream {
 public:
  UniformStream(uint32_t key, const Dims& shape, int64_t block)
      : key_(key),
        per_sample_(shape.empty() ? 1 : product({shape.begin() + 1, shape.end()})),
        words_(block / kPerCall * 4 + 64),
        numbers_(block + 2 * kLine<T>) {}

  void start(const Run& run) {
    stream_ = {run.context[0], run.context[1], run.context[2], key_};
    offset_ = static_cast<int64_t>(run.context[3]) * per_sample_;
  }

  T* fetch(int64_t first, int64_t n) {
    const int64_t from = offset_ + first, call = from / kPerCall, skipped = from % kPerCall;
    const int64_t calls = (skipped + n + kPerCall - 1) / kPerCall;
    philox(stream_, static_cast<uint64_t>(call), calls, words_.data());
    const uint32_t* words = words_.data();
    T* numbers = numbers_.data();
    for (int64_t i = 0; i < n; ++i) numbers[i] = unit_interval(words, skipped + i, T());
    return numbers;
  }

 private:
  // A call gives four words: four floats or two doubles.
  static constexpr int64_t kPerCall = 16 / sizeof(T);

  uint32_t key_;
  int64_t per_sample_;
  int64_t offset_ = 0;
  PhiloxStream stream_{};
  Scratch<uint32_t> words_;
  Scratch<T> numbers_;
};

}  // namespace chainrule::CHAINRULE_ISA
