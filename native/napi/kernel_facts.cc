#include "napi/kernel_facts.h"

#include "engine/isa.h"
#include "engine/routine.h"
#include "engine/scratch_meter.h"
#include "engine/step_reader.h"
#include "napi/snapshot.h"

namespace chainrule {
namespace {

Napi::Array loops_of(Napi::Env env, const Operation& operation) {
  const Napi::Array loops = Napi::Array::New(env);
  for (unsigned scalars = 0; scalars < 1u << operation.arity; ++scalars) {
    if (operation.takes(scalars)) loops.Set(loops.Length(), Napi::Number::New(env, scalars));
  }
  return loops;
}

Napi::Object describe(Napi::Env env, const Operation& operation) {
  const Napi::Object facts = Napi::Object::New(env);
  facts.Set("code", operation.name);
  facts.Set("arity", operation.arity);
  facts.Set("commutes", operation.commutative);
  facts.Set("loops", loops_of(env, operation));
  if (operation.outer == nullptr) return facts;
  const Napi::Object fusion = Napi::Object::New(env);
  fusion.Set("outer", operation.outer);
  fusion.Set("inner", operation.inner);
  fusion.Set("place", operation.place);
  facts.Set("fusion", fusion);
  return facts;
}

}  // namespace

Napi::Value call_facts(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "callFacts");
  const PlainValue step = snapshot(arguments.object(0, "step"));
  const auto kernel = make_unplaced_kernel(step, chosen_isa().kernels);
  const Napi::Object facts = Napi::Object::New(info.Env());
  facts.Set("workspaceBytes", static_cast<double>(kernel->workspace_bytes()));
  if (*kernel->method() != '\0') facts.Set("method", kernel->method());
  if (const Packing packing = kernel->packing(); packing.elements > 0) {
    const Napi::Object packed = Napi::Object::New(info.Env());
    packed.Set("elements", static_cast<double>(packing.elements));
    packed.Set("layout", packing.layout);
    facts.Set("packing", packed);
  }
  return facts;
}

Napi::Value scratch_bytes(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "scratchBytes");
  const PlainValue plan = snapshot_plan(arguments.object(0, "plan"));
  const ScratchMeter meter;
  const Routine routine(plan, chosen_isa().kernels);
  return Napi::Number::New(info.Env(), static_cast<double>(meter.bytes()));
}

Napi::Value operations(const Napi::CallbackInfo& info) {
  const std::span<const Operation> all = chosen_isa().operations;
  const Napi::Array list = Napi::Array::New(info.Env(), all.size());
  for (uint32_t i = 0; i < all.size(); ++i) list.Set(i, describe(info.Env(), all[i]));
  return list;
}

}  // namespace chainrule
