#include "rows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "operand.h"

namespace chainrule {
namespace {

constexpr size_t kBlock = 128;

template <typename T>
void add(const T* __restrict a, const T* __restrict b, T* __restrict sum, size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

// Sums one block of all shards, as a binary counter does: while bit k of the number of shards seen
// is set, kept_[k] points at the sum of 2^k of them. The blocks stay in the first-level cache.
template <typename T>
class BlockSum {
 public:
  const T* operator()(std::span<const T* const> shards, size_t start, size_t count) {
    size_t seen = 0;
    for (const T* shard : shards) {
      const T* sum = shard + start;
      size_t level = 0;
      for (; bit(seen, level); ++level) {
        // Where the next level is taken, this sum is only on its way to the level after.
        T* carried = bit(seen, level + 1) ? passing_[level] : memory_[level];
        add(kept_[level], sum, carried, count);
        sum = carried;
      }
      kept_[level] = sum;
      ++seen;
    }
    return join(seen, count);
  }

 private:
  static constexpr size_t kLevels = std::bit_width(kMaxShards);

  static bool bit(size_t seen, size_t level) { return (seen >> level & 1) != 0; }

  // What the counter still holds apart, from the lowest level up.
  const T* join(size_t seen, size_t count) {
    const T* sum = nullptr;
    for (size_t level = 0; seen >> level != 0; ++level) {
      if (!bit(seen, level)) continue;
      if (sum == nullptr) {
        sum = kept_[level];
      } else {
        add(kept_[level], sum, passing_[level], count);
        sum = passing_[level];
      }
    }
    return sum;
  }

  const T* kept_[kLevels];
  T memory_[kLevels][kBlock];
  T passing_[kLevels][kBlock];
};

}  // namespace

template <typename T>
void sum_shards(std::span<const T* const> shards, T* output, size_t start, size_t end) {
  BlockSum<T> block_sum;
  for (size_t at = start; at < end; at += kBlock) {
    const size_t count = std::min(kBlock, end - at);
    std::memmove(output + at, block_sum(shards, at, count), count * sizeof(T));
  }
}

template void sum_shards(std::span<const float* const>, float*, size_t, size_t);
template void sum_shards(std::span<const double* const>, double*, size_t, size_t);

void gather_rows(std::byte* destination, const std::byte* source, std::span<const int32_t> indices,
                 int64_t source_rows, size_t row_bytes) {
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t index = indices[i];
    if (index < 0 || index >= source_rows) {
      throw PlanError("gatherRows: index " + std::to_string(index) + " at position " +
                      std::to_string(i) + " is outside 0.." + std::to_string(source_rows - 1));
    }
    std::memmove(destination + i * row_bytes, source + index * row_bytes, row_bytes);
  }
}

}  // namespace chainrule
