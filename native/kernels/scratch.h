#pragma once

#include <cstdint>
#include <vector>

#include "engine/scratch_meter.h"
#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// Zero-initialised working memory, aligned to cache lines.
template <typename T>
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(int64_t elements) : lines_((elements * sizeof(T) + 63) / 64), size_(elements) {
    ScratchMeter::add(lines_.size() * sizeof(Line));
  }

  T* data() const { return reinterpret_cast<T*>(lines_.data()); }
  int64_t size() const { return size_; }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };
  mutable std::vector<Line> lines_;
  int64_t size_ = 0;
};

}  // namespace chainrule::CHAINRULE_ISA
