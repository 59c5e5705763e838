#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chainrule {

// A sum in postfix: a number from 0 up stands for that source, kAdd for the sum of the two values
// before it. {0, 1, kAdd, 2, kAdd} is (s0 + s1) + s2.
inline constexpr int32_t kAdd = -1;
inline constexpr size_t kMaxSources = 1024, kMaxDepth = 16;

// Runs of a plan that are made together, and how many of their tiles are kept apart at a time.
inline constexpr size_t kMaxTogether = 64, kMaxTileDepth = 8;

// Whether a program makes one value of some of so many sources, with at most so many at a time.
bool is_sum(std::span<const int32_t> program, size_t sources, size_t depth = kMaxDepth);

// output[i] = the sum of the sources' elements i, for start <= i < end, added in the order of the
// program, which must be one. The output may be one of the sources.
template <typename T>
void combine(std::span<const T* const> sources, std::span<const int32_t> program, T* output,
             size_t start, size_t end);

}  // namespace chainrule
