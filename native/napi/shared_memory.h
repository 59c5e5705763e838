#pragma once

#include "napi/arguments.h"

// Sums and counts over memory that threads share. Every argument is checked; none of it allocates
// per call.
namespace chainrule {

// combine(output, sources, program, ranges[, mark]): output[i] = the sum of the sources' elements i
// in the order of the program (see sync/combine.h), for start <= i < end of each pair of the
// ranges.
void combine(const Napi::CallbackInfo& info);

// largest(array, start, end): the largest magnitude of these elements; infinite if any is NaN or
// infinite.
Napi::Value largest(const Napi::CallbackInfo& info);

// addressModulo(array, modulus): the address of the array's memory modulo a number.
Napi::Value address_modulo(const Napi::CallbackInfo& info);

// adviseHugePages(array): asks the system for huge pages where the array's memory has not been
// touched yet, as far as whole ones lie within it. Without any, or where there are none, no effect.
void advise_huge_pages(const Napi::CallbackInfo& info);

// trainings(change): the number of trainings in this process, after a change by 1, -1 or 0. What an
// environment has added is taken back when it ends.
Napi::Value trainings(const Napi::CallbackInfo& info);

}  // namespace chainrule
