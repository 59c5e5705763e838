#pragma once

#include "engine/plain_value.h"
#include "napi/arguments.h"

namespace chainrule {

// Reads a value, or a plan's fields, out of JavaScript. Getters and proxies run here and never
// again.
PlainValue snapshot(const Napi::Object& object);
PlainValue snapshot_plan(const Napi::Object& plan);

}  // namespace chainrule
