#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chainrule {

// A sum in postfix: a number from 0 up is the index of a source, and kAdd sums the two values
// before it. {0, 1, kAdd, 2, kAdd} is (s0 + s1) + s2.
inline constexpr int32_t kAdd = -1;
inline constexpr size_t kMaxSources = 1024, kMaxDepth = 16;

// Limits of runs that are made together, and of their tiles that are kept apart at a time.
inline constexpr size_t kMaxTogether = 64, kMaxTileDepth = 8;

// Rows at whose multiples a sum of products may be cut: the bits do not depend on the cuts.
inline constexpr int64_t kStripRows = 16;

// True if a program sums some of `sources` sources to one value, with at most `depth` values at a
// time.
bool is_sum(std::span<const int32_t> program, size_t sources, size_t depth = kMaxDepth);

// output[i] = the sum of the sources' elements i, for start <= i < end, added in the order of the
// program, which must be a valid sum. The output may be one of the sources.
template <typename T>
void combine(std::span<const T* const> sources, std::span<const int32_t> program, T* output,
             size_t start, size_t end);

}  // namespace chainrule
