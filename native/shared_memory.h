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

// sumShards(output, shards, start, end): output[i] = the sum of shards[s][i] in a fixed order,
// start <= i < end.
void sum_shards(const Napi::CallbackInfo& info);

// gatherRows(destination, source, indices, start, count, rowElements): destination row i = source
// row indices[start + i], for 0 <= i < count.
void gather_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
