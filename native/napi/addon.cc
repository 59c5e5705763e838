#include <new>

#include "engine/blas.h"
#include "engine/isa.h"
#include "engine/limits/second_level_cache.h"
#include "engine/subnormals.h"
#include "napi/arena_object.h"
#include "napi/arguments.h"
#include "napi/barrier_calls.h"
#include "napi/constants.h"
#include "napi/environment/run_abort.h"
#include "napi/file_lock.h"
#include "napi/kernel_facts.h"
#include "napi/op_error_value.h"
#include "napi/plan_object.h"
#include "napi/probe_calls.h"
#include "napi/rows/augment_rows.h"
#include "napi/rows/gather_rows.h"
#include "napi/rows/row_source.h"
#include "napi/shared_memory.h"

namespace chainrule {
namespace {

Napi::Value isa(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), chosen_isa().name);
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  const Napi::Array names = Napi::Array::New(info.Env());
  for (const InstructionSet& isa : usable_isas()) names.Set(names.Length(), isa.name);
  return names;
}

Napi::Value blas(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), blas_name());
}

Napi::Value subnormals(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), flushes_subnormals() ? "flush" : "keep");
}

// A function whose OpErrors reach JavaScript with their fields.
template <auto function>
auto with_fields(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const OpError& error) {
    throw value_of(info.Env(), error);
  } catch (const std::bad_alloc&) {
    throw value_of(info.Env(),
                   OpError("plan", "cannot allocate the memory of a kernel", kMemoryCode));
  }
}

template <auto function>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<with_fields<function>>(exports.Env(), name));
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
  chosen_isa();
  flushes_subnormals();
  second_level_cache();
  use_one_blas_thread();
  exports.Set("version", CHAINRULE_VERSION);
  add<create_arena>(exports, "createArena");
  exports.Set("constants", constants(env));
  add<call_facts>(exports, "callFacts");
  add<scratch_bytes>(exports, "scratchBytes");
  add<operations>(exports, "operations");
  add<release_arena>(exports, "releaseArena");
  add<create_plan>(exports, "createPlan");
  add<run_plan>(exports, "run");
  add<run_plan_timed>(exports, "runTimed");
  add<summing_steps>(exports, "summingSteps");
  add<run_plans_together>(exports, "runTogether");
  add<run_shards>(exports, "runShards");
  add<all_reduced_bytes>(exports, "allReducedBytes");
  add<run_plan_async>(exports, "runAsync");
  add<release_plan>(exports, "releasePlan");
  add<trim_memory>(exports, "trimMemory");
  add<barrier_arrive>(exports, "barrierArrive");
  add<barrier_wait>(exports, "barrierWait");
  add<barrier_abort>(exports, "barrierAbort");
  add<barrier_aborted>(exports, "barrierAborted");
  add<abort_runs_by>(exports, "abortRunsBy");
  add<abort_all_runs>(exports, "abortAllRuns");
  add<looks>(exports, "looks");
  add<combine>(exports, "combine");
  add<largest>(exports, "largest");
  add<address_modulo>(exports, "addressModulo");
  add<advise_huge_pages>(exports, "adviseHugePages");
  add<trainings>(exports, "trainings");
  add<gather_rows>(exports, "gatherRows");
  add<map_file>(exports, "mapFile");
  add<file_stamp>(exports, "fileStamp");
  add<unmap_file>(exports, "unmapFile");
  add<advise_rows>(exports, "adviseRows");
  add<lock_file>(exports, "lockFile");
  add<augment_rows>(exports, "augmentRows");
  add<mix_rows>(exports, "mixRows");
  add<probe_multiply_add>(exports, "probeMultiplyAdd");
  add<probe_moves>(exports, "probeMoves");
  add<probe_move>(exports, "probeMove");
  add<probe_blas>(exports, "probeBlas");
  add<isa>(exports, "isa");
  add<isas>(exports, "isas");
  add<blas>(exports, "blas");
  add<subnormals>(exports, "subnormals");
  return exports;
}

}  // namespace

NODE_API_MODULE(chainrule, load)

}  // namespace chainrule
