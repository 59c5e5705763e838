#pragma once

#include "napi/arguments.h"

namespace chainrule {

// augmentRows(destination, source, indices, start, count, gathered, program, scratch, key):
// destination row i = the program's result for source row indices[start + i], or for row i if the
// source is gathered already, for 0 <= i < count. The key is the seed's two words, the epoch, and
// an offset that is added to the indices in the keys of random numbers. Allocates nothing.
void augment_rows(const Napi::CallbackInfo& info);

// mixRows(rows, before, count, rowElements, lambda): see mix_rows in augment.h.
void mix_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
