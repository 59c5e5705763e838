#include "napi/environment/run_abort.h"

#include "napi/environment/environment.h"
#include "sync/barrier.h"

namespace chainrule {
namespace {

constexpr std::chrono::milliseconds kAskEvery(20);

Napi::Reference<Napi::TypedArray> kept(Napi::TypedArray array) {
  return Napi::Reference<Napi::TypedArray>::New(array, 1);
}

}  // namespace

bool is_terminating(Napi::Value array) {
  bool has = false;
  return napi_has_element(array.Env(), array, 0, &has) != napi_ok;
}

RunAbort::RunAbort(Napi::Env env) : Abort(&none_), array_(kept(Napi::Int32Array::New(env, 1))) {}

void RunAbort::follow(Napi::TypedArray barrier, int32_t* words, int64_t limit) {
  array_ = kept(barrier);
  Abort::follow(Barrier::abort_word(words), limit);
}

bool RunAbort::must_stop() {
  const Napi::HandleScope scope(array_.Env());
  return is_terminating(array_.Value());
}

Lifeline::Lifeline(Napi::Env env) : array_(kept(Napi::Int32Array::New(env, 1))) {
  const napi_value name = Napi::String::New(env, "chainrule.lifeline");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 1, 1,
                                                             nullptr, nullptr, this, look, &call_);
  if (status != napi_ok) throw Napi::Error::New(env);
  // It keeps no process alive.
  napi_unref_threadsafe_function(env, call_);
}

void Lifeline::look(napi_env env, napi_value, void* context, void*) {
  // Without an environment, there is nothing left that could ask.
  if (env == nullptr) return;
  auto& lifeline = *static_cast<Lifeline*>(context);
  const Napi::HandleScope scope(env);
  if (is_terminating(lifeline.array_.Value())) lifeline.gone_ = true;
}

PoolAbort::PoolAbort(Lifeline& lifeline, int32_t* words)
    : Abort(words == nullptr ? &none_ : Barrier::abort_word(words)), lifeline_(lifeline) {}

bool PoolAbort::must_stop() {
  const Clock::time_point now = Clock::now();
  if (now - asked_ > kAskEvery) {
    asked_ = now;
    lifeline_.ask();
  }
  return lifeline_.gone();
}

void abort_runs_by(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "abortRunsBy");
  RunAbort& abort = Environment::of(info.Env()).abort;
  if (!arguments.has(0)) return abort.follow_none();
  const ArrayView words =
      arguments.typed_array(0, "barrier", napi_int32_array, Barrier::kWords, Barrier::kWords);
  const int64_t look =
      arguments.has(1) ? arguments.integer(1, "look", 1, int64_t{1} << 53) : Abort::kNever;
  abort.follow(info[0].As<Napi::TypedArray>(), words.as<int32_t>().data(), look);
}

void abort_all_runs(const Napi::CallbackInfo&) { Abort::abort_all(); }

Napi::Value looks(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           static_cast<double>(Environment::of(info.Env()).abort.looks()));
}

}  // namespace chainrule
