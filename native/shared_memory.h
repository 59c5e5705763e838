#pragma once

#include "arguments.h"

// What workers do with memory that they share. Every argument is checked; none of it allocates per
// call.
namespace chainrule {

// barrierArrive(state, parties): the ticket of this meeting. See Barrier in parallel.h.
Napi::Value barrier_arrive(const Napi::CallbackInfo& info);

// barrierWait(state, ticket, parties, timeoutMs): 0 passed, 1 timed out (wait on with the same
// ticket), 2 aborted, or this thread is being terminated. Nothing wakes a terminated thread before
// its timeout, so keep that short.
Napi::Value barrier_wait(const Napi::CallbackInfo& info);

// barrierAbort(state): ends every wait, from any thread.
void barrier_abort(const Napi::CallbackInfo& info);

// combine(output, sources, program, start, end[, mark]): output[i] = the sum of the sources'
// elements i in the order of the program (see rows.h), start <= i < end.
void combine(const Napi::CallbackInfo& info);

// addressModulo(array, modulus): where the array's memory begins, modulo a number.
Napi::Value address_modulo(const Napi::CallbackInfo& info);

// trainings(change): how many trainings this process runs, after 1 more, 1 less (-1), or the same
// (0). What an environment has added is taken back when it ends.
Napi::Value trainings(const Napi::CallbackInfo& info);

// gatherRows(destination, source, indices, start, count, rowElements): destination row i = source
// row indices[start + i], for 0 <= i < count. The source is a typed array or a mapped file.
void gather_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
