#pragma once

#include "napi/arguments.h"

namespace chainrule {

// createPlan(plan[, arena[, results]]): a handle to the decoded plan, which runs in an arena of its
// own, or in one that it shares. The results, as of runTogether, are those that `run` measures; a
// step past the last is for results that are complete at the end.
Napi::Value create_plan(const Napi::CallbackInfo& info);

// run(handle, bindings, context[, mark]): runs all steps on the calling thread; see Mark. Returns
// an upper bound of the magnitudes of the plan's results: infinite if any is NaN or infinite.
Napi::Value run_plan(const Napi::CallbackInfo& info);

// runTimed(handle, bindings, context, milliseconds[, mark]): the same, and adds the time of each
// step to its clock. The clocks of a loop's body follow the loop's own.
void run_plan_timed(const Napi::CallbackInfo& info);

// summingSteps(handle): the steps that can sum their results over several runs.
Napi::Value summing_steps(const Napi::CallbackInfo& info);

// runTogether(handles, bindings, contexts, program, results): runs handles of one plan, each on its
// bindings and its context of four words, and sums results in the bindings of the first; see
// Routine::run_together, whose bound it returns.
Napi::Value run_plans_together(const Napi::CallbackInfo& info);

// runShards(handles, bindings, contexts, shards, exchange, program, barrier, parties, waiting[,
// milliseconds]): this thread's runs of the shards of a batch, each on its bindings and its context
// of four words; see ShardRuns. Returns an upper bound of the magnitudes of each run's results, or
// 0 for runs with clocks.
Napi::Value run_shards(const Napi::CallbackInfo& info);

// allReducedBytes(handle): the bytes of `exchange` that each shard of a plan takes.
Napi::Value all_reduced_bytes(const Napi::CallbackInfo& info);

// runAsync(handle, bindings, context[, barrier]): the same on a pool thread; a promise of the
// milliseconds that the steps took. Until it settles the handle is busy, and the bindings' buffers
// must be neither transferred nor resized. It is aborted with the barrier, and when the environment
// is closed.
Napi::Value run_plan_async(const Napi::CallbackInfo& info);

// releasePlan(handle): frees the plan now, but not an arena that it shares. The handle is of no use
// afterwards. Refused while the plan is running.
void release_plan(const Napi::CallbackInfo& info);

// trimMemory(): gives the memory that the allocator keeps for later back to the system.
void trim_memory(const Napi::CallbackInfo& info);

}  // namespace chainrule
