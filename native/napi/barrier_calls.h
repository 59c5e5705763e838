#pragma once

#include "napi/arguments.h"

// The calls of workers that meet at a barrier (sync/barrier.h). Every argument is checked; none
// allocates per call.
namespace chainrule {

// barrierArrive(state, parties): the ticket of this meeting. See Barrier in sync/barrier.h.
Napi::Value barrier_arrive(const Napi::CallbackInfo& info);

// barrierWait(state, ticket, parties, timeoutMs): 0 passed, 1 timed out (wait on with the same
// ticket), 2 aborted, or this thread is being terminated. Nothing wakes a terminated thread before
// its timeout, so keep that short.
Napi::Value barrier_wait(const Napi::CallbackInfo& info);

// barrierAborted(state): true after an abort.
Napi::Value barrier_aborted(const Napi::CallbackInfo& info);

// barrierAbort(state): ends every wait, from any thread.
void barrier_abort(const Napi::CallbackInfo& info);

}  // namespace chainrule
