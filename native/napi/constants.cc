#include "napi/constants.h"

#include <span>

#include "data/augment.h"
#include "engine/isa.h"
#include "sync/barrier.h"
#include "sync/combine.h"

namespace chainrule {
namespace {

Napi::Array to_array(Napi::Env env, std::span<const char* const> names) {
  const Napi::Array array = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) array.Set(i, names[i]);
  return array;
}

Napi::Object barrier(Napi::Env env) {
  const Napi::Object facts = Napi::Object::New(env);
  facts.Set("words", static_cast<double>(Barrier::kWords));
  facts.Set("passed", static_cast<double>(Barrier::kPassed));
  facts.Set("timedOut", static_cast<double>(Barrier::kTimedOut));
  facts.Set("aborted", static_cast<double>(Barrier::kAborted));
  return facts;
}

Napi::Object sums(Napi::Env env) {
  const Napi::Object facts = Napi::Object::New(env);
  facts.Set("add", static_cast<double>(kAdd));
  facts.Set("mostRuns", static_cast<double>(kMaxTogether));
  facts.Set("stripRows", static_cast<double>(kStripRows));
  facts.Set("ownProducts", chosen_isa().own_products);
  return facts;
}

Napi::Object transforms(Napi::Env env) {
  const Napi::Object facts = Napi::Object::New(env);
  facts.Set("names", to_array(env, Augmentation::names()));
  facts.Set("paddings", to_array(env, Augmentation::paddings()));
  facts.Set("most", static_cast<double>(Augmentation::kMost));
  facts.Set("stream", static_cast<double>(SampleRandom::kStream));
  return facts;
}

}  // namespace

Napi::Object constants(Napi::Env env) {
  const Napi::Object all = Napi::Object::New(env);
  all.Set("barrier", barrier(env));
  all.Set("sums", sums(env));
  all.Set("transforms", transforms(env));
  return all;
}

}  // namespace chainrule
