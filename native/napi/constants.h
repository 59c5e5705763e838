#pragma once

#include <napi.h>

namespace chainrule {

// The numbers that JavaScript needs as well, which asks here instead of holding its own: the words
// of a barrier, sums in postfix, and the codes of transforms.
Napi::Object constants(Napi::Env env);

}  // namespace chainrule
