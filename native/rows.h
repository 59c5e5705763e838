#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chainrule {

inline constexpr size_t kMaxShards = 1024;

// output[i] = the sum of shards[s][i], for start <= i < end, always in the same order: neighbours
// are added in pairs, then pairs of pairs, and a shard that is left over joins at the end,
// ((s0+s1)+(s2+s3))+s4. At most kMaxShards.
template <typename T>
void sum_shards(std::span<const T* const> shards, T* output, size_t start, size_t end);

// Copies source row indices[i] to destination row i; rows are any elements of row_bytes in all.
// Throws PlanError at an index outside 0 ... source_rows - 1.
void gather_rows(std::byte* destination, const std::byte* source, std::span<const int32_t> indices,
                 int64_t source_rows, size_t row_bytes);

}  // namespace chainrule
