#include "sync/combine.h"

#include <algorithm>
#include <cstring>

#include "sync/abort.h"

namespace chainrule {
namespace {

constexpr size_t kBlock = 128;

template <typename T>
void add(const T* __restrict a, const T* __restrict b, T* __restrict sum, size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

// Sums one block of the sources as a stack machine, which stays in the first-level cache.
template <typename T>
class BlockSum {
 public:
  const T* operator()(std::span<const T* const> sources, std::span<const int32_t> program,
                      size_t start, size_t count) {
    size_t depth = 0;
    for (const int32_t word : program) {
      if (word == kAdd) {
        --depth;
        push(depth - 1, stack_[depth - 1], stack_[depth], count);
      } else {
        stack_[depth++] = sources[word] + start;
      }
    }
    return stack_[0];
  }

 private:
  // If one operand lies in one half of its slot, the sum goes to the other half.
  void push(size_t place, const T* a, const T* b, size_t count) {
    T* sum = a == halves_[place][0] ? halves_[place][1] : halves_[place][0];
    add(a, b, sum, count);
    stack_[place] = sum;
  }

  const T* stack_[kMaxDepth];
  T halves_[kMaxDepth][2][kBlock];
};

}  // namespace

bool is_sum(std::span<const int32_t> program, size_t sources, size_t most) {
  size_t depth = 0;
  for (const int32_t word : program) {
    if (word == kAdd) {
      if (depth < 2) return false;
      --depth;
    } else {
      if (word < 0 || static_cast<size_t>(word) >= sources || depth == most) return false;
      ++depth;
    }
  }
  return depth == 1;
}

template <typename T>
void combine(std::span<const T* const> sources, std::span<const int32_t> program, T* output,
             size_t start, size_t end) {
  BlockSum<T> block_sum;
  AbortCheck check;
  for (size_t at = start; at < end; at += kBlock) {
    const size_t count = std::min(kBlock, end - at);
    const T* sum = block_sum(sources, program, at, count);
    if (sum != output + at) std::memmove(output + at, sum, count * sizeof(T));
    check.after(static_cast<int64_t>(count * program.size()));
  }
}

template void combine(std::span<const float* const>, std::span<const int32_t>, float*, size_t,
                      size_t);
template void combine(std::span<const double* const>, std::span<const int32_t>, double*, size_t,
                      size_t);

}  // namespace chainrule
