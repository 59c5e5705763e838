#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chainrule {

// Merges the moments of several sets of samples, in the order of a postfix program (see combine.h),
// which must be valid. A source has `channels` means, as many biased variances, and the weight of
// its samples, above 0; so has the result, which may not be one of the sources. Chan, Golub &
// LeVeque (1979): a large mean costs no digits.
template <typename T>
void merge_moments(std::span<const T* const> sources, std::span<const int32_t> program, T* result,
                   size_t channels);

}  // namespace chainrule
