#pragma once

#include <cstdint>

// The order in which a product a[m, k] b[k, n] adds up its terms. It follows from the layout of b
// and from k alone: not from the number of rows, so that a row has the same bits in any batch, nor
// from the blocks, so that these may suit the processor.
namespace chainrule::CHAINRULE_ISA {

// A sum of more terms is the sum of partial ones of this many, which keeps its error small.
inline constexpr int64_t kTerms = 256;

// Where b is contiguous along k, and k is long, each lane of a vector adds up its own terms, and
// the lanes are added at the end: of all terms, or of this many. With fewer than kLongLanes terms,
// that takes longer than a copy of b.
inline constexpr int64_t kLaneTerms = 1024, kLongLanes = 96;

}  // namespace chainrule::CHAINRULE_ISA
