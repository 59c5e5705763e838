#pragma once

#include "napi/arguments.h"

namespace chainrule {

// augmentRows(destination, source, indices, start, count, gathered, program, scratch, key):
// destination row i = what the program makes of source row indices[start + i], or of row i where
// the source is gathered already, for 0 <= i < count. The key is the seed's two words, the epoch,
// and what is added to the indices where random numbers depend on them. Allocates nothing.
void augment_rows(const Napi::CallbackInfo& info);

// mixRows(rows, before, count, rowElements, lambda): see mix_rows in augment.h.
void mix_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
