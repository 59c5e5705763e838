#pragma once

#include "arguments.h"

namespace chainrule {

// createPlan(plan): a handle to the decoded plan. The handle owns the plan's arena.
Napi::Value create_plan(const Napi::CallbackInfo& info);

// run(handle, bindings, context): runs all steps on the calling thread.
void run_plan(const Napi::CallbackInfo& info);

// runTimed(handle, bindings, context, milliseconds): the same, and adds the time of each step to
// its clock. The steps of a loop's body stand behind the loop.
void run_plan_timed(const Napi::CallbackInfo& info);

// runAsync(handle, bindings, context): the same on a pool thread; a promise of the milliseconds
// that the steps took. Until it settles the handle is busy, and the bindings' buffers must be
// neither transferred nor resized.
Napi::Value run_plan_async(const Napi::CallbackInfo& info);

// releasePlan(handle): gives the arena back now; a later run allocates it again.
void release_plan(const Napi::CallbackInfo& info);

}  // namespace chainrule
