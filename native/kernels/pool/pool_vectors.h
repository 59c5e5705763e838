#pragma once

#include "kernels/simd.h"

// Vectors of the channels of a pixel.
namespace chainrule::CHAINRULE_ISA {

template <typename T, int kLanes>
using Vector = typename VectorOf<T, kLanes>::type;

template <int kLanes, typename T>
Vector<T, kLanes> load(const T* from) {
  return *reinterpret_cast<const Vector<T, kLanes>*>(from);
}

template <typename V, typename T>
void store(T* to, const V& value) {
  *reinterpret_cast<V*>(to) = value;
}

// Calls visit.operator()<kLanes>(c) for vectors of the channels from `c` on, smaller and smaller
// ones at the end.
template <typename T, int kLanes, typename Visit>
void for_each_whole_vector(int64_t c, int64_t channels, Visit visit) {
  for (; c + kLanes <= channels; c += kLanes) visit.template operator()<kLanes>(c);
  if constexpr (kLanes > 1) {
    if (c < channels) for_each_whole_vector<T, kLanes / 2>(c, channels, visit);
  }
}

// The same for the smallest vector that holds all channels.
template <typename T, int kLanes, typename Visit>
void visit_all(int64_t channels, Visit visit) {
  if constexpr (kLanes > 1) {
    if (channels <= kLanes / 2) return visit_all<T, kLanes / 2>(channels, visit);
  }
  visit.template operator()<kLanes>(0);
}

// The same for all channels of a pixel. `beyond` says that lanes beyond the channels may be read,
// and written: they are the beginning of the next pixel, which is written later.
template <typename T, typename Visit>
void for_each_vector(int64_t channels, bool beyond, Visit visit) {
  constexpr int kLanes = kVectorBytes / sizeof(T);
  if (beyond && channels > 0 && channels < kLanes) {
    visit_all<T, kLanes>(channels, visit);
  } else {
    for_each_whole_vector<T, kLanes>(0, channels, visit);
  }
}

}  // namespace chainrule::CHAINRULE_ISA
