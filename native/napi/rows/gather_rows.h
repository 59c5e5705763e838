#pragma once

#include "napi/arguments.h"

namespace chainrule {

// gatherRows(destination, source, indices, start, count, rowElements): destination row i = source
// row indices[start + i], for 0 <= i < count. The source is a typed array or a mapped file.
void gather_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
