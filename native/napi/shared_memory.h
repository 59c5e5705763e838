#pragma once

#include "napi/arguments.h"

// Sums and counts over memory that threads share. Every argument is checked; none of it allocates
// per call.
namespace chainrule {

// combine(output, sources, program, start, end[, mark]): output[i] = the sum of the sources'
// elements i in the order of the program (see rows.h), start <= i < end.
void combine(const Napi::CallbackInfo& info);

// addressModulo(array, modulus): where the array's memory begins, modulo a number.
Napi::Value address_modulo(const Napi::CallbackInfo& info);

// trainings(change): how many trainings this process runs, after 1 more, 1 less (-1), or the same
// (0). What an environment has added is taken back when it ends.
Napi::Value trainings(const Napi::CallbackInfo& info);

}  // namespace chainrule
