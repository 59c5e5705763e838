#pragma once

#include "engine/op_error.h"
#include "napi/arguments.h"

namespace chainrule {

// The JavaScript error of an OpError, with its op, its rule and its code as fields.
inline Napi::Error value_of(Napi::Env env, const OpError& error) {
  Napi::Error value = Napi::Error::New(env, error.what());
  value.Set("op", error.op);
  value.Set("expected", error.rule);
  if (error.code != nullptr) value.Set("code", error.code);
  return value;
}

}  // namespace chainrule
