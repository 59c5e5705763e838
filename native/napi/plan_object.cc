#include "napi/plan_object.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "engine/isa.h"
#include "engine/op_error.h"
#include "engine/plan.h"
#include "engine/shards/shard_runs.h"
#include "napi/arena_object.h"
#include "napi/environment/blas_buffer.h"
#include "napi/environment/environment.h"
#include "napi/mark.h"
#include "napi/op_error_value.h"
#include "napi/snapshot.h"
#include "platform/memory.h"
#include "sync/barrier.h"
#include "sync/combine.h"

namespace chainrule {
namespace {

constexpr napi_type_tag kPlanTag = {0x9d5f1c0a6b3e4872, 0xb1e27c54d80f3a96};

// The state that a handle owns.
struct PlanHandle {
  PlanHandle(const PlainValue& description, std::span<const KernelEntry> kernels,
             std::shared_ptr<PlanArena> memory)
      : plan(description, kernels), arena(std::move(memory)), values(plan.bindings().size()) {}

  Plan plan;
  std::shared_ptr<PlanArena> arena;
  std::vector<napi_value> values;         // the bindings of the current call
  std::vector<Routine::Result> results;   // results that the runs of the current call sum
  std::vector<Routine::Result> measured;  // results of a single run
  std::atomic_flag busy;
};

// Exclusive use of a handle and its arena for one run.
class Lease {
 public:
  explicit Lease(PlanHandle& handle)
      : handle_(handle.busy, "is already running"),
        arena_(handle.arena->busy, "another plan is running in its arena") {}

 private:
  Hold handle_, arena_;
};

void use_arena(PlanHandle& handle) {
  handle.arena->reserve(handle.plan.arena_bytes());
  handle.plan.use_arena(handle.arena->data());
}

void finalize(napi_env, void* data, void*) { delete static_cast<PlanHandle*>(data); }

PlanHandle& handle_at(Napi::Value value, const Arguments& arguments, const std::string& name) {
  void* data = nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kPlanTag) ||
      napi_unwrap(value.Env(), value, &data) != napi_ok) {
    arguments.fail(name, "made by createPlan, and not released", value);
  }
  return *static_cast<PlanHandle*>(data);
}

PlanHandle& handle_of(const Arguments& arguments) {
  return handle_at(arguments.object(0, "handle"), arguments, "handle");
}

std::string name_of(size_t handle) { return "handles[" + std::to_string(handle) + "]"; }

// Getters may run here, so no address is taken before the last of them.
void collect(const Arguments& arguments, PlanHandle& handle, const Napi::Array& array) {
  const auto bindings = handle.plan.bindings();
  if (array.Length() != bindings.size()) {
    arguments.fail("bindings.length", std::to_string(bindings.size()),
                   Napi::Number::New(arguments.env(), array.Length()));
  }
  for (uint32_t i = 0; i < bindings.size(); ++i) handle.values[i] = array.Get(i);
}

void bind(const Arguments& arguments, PlanHandle& handle) {
  const auto bindings = handle.plan.bindings();
  for (size_t i = 0; i < bindings.size(); ++i) {
    const Napi::Value value(arguments.env(), handle.values[i]);
    const napi_typedarray_type type = array_type(bindings[i].dtype);
    const size_t length = bindings[i].bytes / size_of(bindings[i].dtype);
    ArrayView view{};
    if (!view_of(value, view) || view.type != type || view.length != length) {
      arguments.fail("bindings[" + std::to_string(i) + "]",
                     std::string(type_name(type)) + "(" + std::to_string(length) + ")", value);
    }
    handle.plan.bind(i, view.data);
  }
}

// Reads results, four numbers each: the step, the binding, the first element and the end.
void read_results(const Arguments& arguments, size_t index, const Plan& plan, size_t steps,
                  std::vector<Routine::Result>& results) {
  const auto words =
      arguments.typed_array(index, "results", napi_int32_array, 0).as<const int32_t>();
  results.clear();
  const auto fail = [&] {
    arguments.fail("results", "steps in order with elements of floating bindings",
                   arguments.value(index));
  };
  if (words.size() % 4 != 0) fail();
  for (size_t i = 0, last = 0; i < words.size(); i += 4) {
    const auto step = static_cast<size_t>(words[i]);
    const auto binding = static_cast<size_t>(words[i + 1]);
    const auto start = static_cast<size_t>(words[i + 2]);
    const auto end = static_cast<size_t>(words[i + 3]);
    if (step < last || step >= steps || binding >= plan.bindings().size()) fail();
    const auto& [dtype, bytes] = plan.bindings()[binding];
    const bool floating = dtype == DType::kFloat32 || dtype == DType::kFloat64;
    if (!floating || start > end || end > bytes / size_of(dtype)) fail();
    results.push_back({step, binding + 1, start, end});
    last = step;
  }
}

// Reads everything that a run needs from JavaScript. The context comes last, as a copy.
void prepare(const Arguments& arguments, PlanHandle& handle) {
  use_arena(handle);
  collect(arguments, handle, arguments.array(1, "bindings"));
  bind(arguments, handle);
  handle.plan.set_context(
      arguments.typed_array(2, "context", napi_uint32_array, Plan::kMinContext, Plan::kMaxContext)
          .as<const uint32_t>());
}

// One run on a pool thread. Keeps the handle and the bindings alive, and deletes itself when done.
class AsyncRun final : public Napi::AsyncWorker {
 public:
  AsyncRun(const Arguments& arguments, PlanHandle& handle, Napi::Promise::Deferred deferred)
      : AsyncWorker(arguments.env(), "chainrule.run"),
        handle_(handle),
        lease_(handle),
        abort_(Environment::of(arguments.env()).lifeline(arguments.env()), barrier(arguments)),
        deferred_(deferred) {
    prepare(arguments, handle);
    // The caller may change its array of bindings, so a new array keeps them alive.
    const Napi::Array kept = Napi::Array::New(arguments.env(), handle.values.size() + 1);
    kept.Set(uint32_t{0}, arguments.object(0, "handle"));
    for (uint32_t i = 0; i < handle.values.size(); ++i) kept.Set(i + 1, handle.values[i]);
    kept.Set("barrier", arguments.value(3));
    kept_ = Napi::Persistent(kept.As<Napi::Object>());
  }

 protected:
  void Execute() override {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    try {
      const AbortScope scope(&abort_);
      require_blas_buffer();
      handle_.plan.run();
    } catch (const OpError& error) {
      failure_ = error;
      throw;
    }
    milliseconds_ = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), milliseconds_)); }
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(failure_ ? value_of(Env(), *failure_).Value() : error.Value());
  }

 private:
  static int32_t* barrier(const Arguments& arguments) {
    if (!arguments.has(3)) return nullptr;
    return arguments.typed_array(3, "barrier", napi_int32_array, Barrier::kWords, Barrier::kWords)
        .as<int32_t>()
        .data();
  }

  PlanHandle& handle_;
  Lease lease_;
  PoolAbort abort_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference kept_;
  double milliseconds_ = 0;
  std::optional<OpError> failure_;
};

// Several handles that this thread runs, at most kMost, each on bindings and random counters of its
// own.
template <size_t kMost>
class HandleRuns {
 public:
  // Takes the arguments `handles`, `bindings` and `contexts`.
  explicit HandleRuns(const Arguments& arguments) : arguments_(arguments) {
    const Napi::Array list = arguments.array(0, "handles");
    count_ = list.Length();
    if (count_ < 1 || count_ > kMost) {
      arguments.fail("handles.length", "1 to " + std::to_string(kMost),
                     Napi::Number::New(arguments.env(), count_));
    }
    take_handles(list);
    read_context();
  }

  uint32_t size() const { return count_; }
  PlanHandle& operator[](size_t i) const { return *handles_[i]; }

 private:
  void take_handles(const Napi::Array& list) {
    const Napi::Array bindings = arguments_.array(1, "bindings");
    for (uint32_t i = 0; i < count_; ++i) {
      const Napi::Value own = bindings.Get(i);
      if (!own.IsArray()) arguments_.fail("bindings", "an array for each handle", own);
      handles_[i] = &handle_at(list.Get(i), arguments_, name_of(i));
      leases_[i].emplace(*handles_[i]);
      collect(arguments_, *handles_[i], own.As<Napi::Array>());
    }
    for (uint32_t i = 0; i < count_; ++i) {
      use_arena(*handles_[i]);
      bind(arguments_, *handles_[i]);
    }
  }

  // Reads the words of all runs, one run after another.
  void read_context() {
    const size_t length = count_ * Plan::kMinContext;
    const auto words = arguments_.typed_array(2, "contexts", napi_uint32_array, length, length)
                           .as<const uint32_t>();
    for (size_t i = 0; i < count_; ++i) {
      handles_[i]->plan.set_context(words.subspan(i * Plan::kMinContext, Plan::kMinContext));
    }
  }

  const Arguments& arguments_;
  uint32_t count_;
  std::array<PlanHandle*, kMost> handles_;
  std::array<std::optional<Lease>, kMost> leases_;
};

// Several handles of one plan that run together.
class TogetherRun {
 public:
  explicit TogetherRun(const Arguments& arguments) : handles_(arguments) {
    const Plan& plan = handles_[0].plan;
    for (uint32_t i = 1; i < handles_.size(); ++i) {
      if (!handles_[i].plan.routine().has_memory_of(plan.routine())) {
        arguments.fail(name_of(i), "of the same plan as the first", arguments.value(0));
      }
    }
    program_ = arguments.typed_array(3, "program", napi_int32_array, 1).as<const int32_t>();
    if (!is_sum(program_, handles_.size(), kMaxTileDepth)) {
      arguments.fail("program", "a sum of the runs in postfix", arguments.value(3));
    }
    read_results(arguments, 4, plan, plan.routine().steps(), handles_[0].results);
  }

  double run() const {
    std::array<Run, kMaxTogether> runs;
    for (size_t i = 0; i < handles_.size(); ++i) runs[i] = handles_[i].plan.state();
    const SubnormalFlush flush;
    const Routine& routine = handles_[0].plan.routine();
    return routine.run_together({runs.data(), handles_.size()}, program_, handles_[0].results);
  }

 private:
  HandleRuns<kMaxTogether> handles_;
  std::span<const int32_t> program_;
};

// This thread's runs of the shards of a batch; see ShardRuns.
class ShardsRun {
 public:
  explicit ShardsRun(const Arguments& arguments) : handles_(arguments) {
    const size_t count = handles_.size();
    const auto shards =
        arguments.typed_array(3, "shards", napi_int32_array, count, count).as<const int32_t>();
    const auto memory = arguments.typed_array(4, "exchange", napi_uint8_array, 0).as<std::byte>();
    if (reinterpret_cast<uintptr_t>(memory.data()) % sizeof(double) != 0) {
      arguments.fail("exchange", "aligned to 8 bytes", arguments.value(4));
    }
    const auto program =
        arguments.typed_array(5, "program", napi_int32_array, 1).as<const int32_t>();
    const size_t stride = ShardRuns::exchanged_bytes(handles_[0].plan.routine());
    const size_t places = stride == 0 ? kMaxSources : memory.size() / stride;
    if (!is_sum(program, std::min(places, kMaxSources))) {
      arguments.fail("program", "a sum of shards with a place in the exchange, in postfix",
                     arguments.value(5));
    }
    for (uint32_t i = 0; i < count; ++i) {
      const PlanHandle& handle = handles_[i];
      if (!ShardRuns::agree(handle.plan.routine(), handles_[0].plan.routine())) {
        arguments.fail(name_of(i), "with the all-reduces of the first", arguments.value(0));
      }
      const size_t own = ShardRuns::shards_of(handle.plan.routine());
      for (size_t j = 0; j < own; ++j) {
        const int64_t shard = int64_t{shards[i]} + static_cast<int64_t>(j);
        if (shards[i] < 0 || std::ranges::find(program, shard) == program.end()) {
          arguments.fail("shards", "among those of the program", arguments.value(3));
        }
      }
      members_[i] = {&handle.plan.routine(),
                     handle.plan.state(),
                     handle.measured,
                     static_cast<size_t>(shards[i]),
                     {}};
    }
    std::span<double> left = clocks(arguments);
    for (size_t i = 0; i < count && !left.empty(); ++i) {
      members_[i].milliseconds = left.first(handles_[i].plan.clocks());
      left = left.subspan(members_[i].milliseconds.size());
    }
    exchange_ = {memory.data(), stride, program};
  }

  // Returns the bounds of the runs' results.
  Napi::Value run(const Arguments& arguments) {
    int32_t* const words =
        arguments.typed_array(6, "barrier", napi_int32_array, Barrier::kWords).as<int32_t>().data();
    const auto parties = static_cast<int32_t>(arguments.integer(7, "parties", 1, 1 << 16));
    int32_t* const waiting =
        arguments.typed_array(8, "waiting", napi_int32_array, 1, 1).as<int32_t>().data();
    {
      const SubnormalFlush flush;
      ShardRuns(exchange_, {Barrier(words), parties, waiting})
          .run({members_.data(), handles_.size()});
    }
    const Napi::Array bounds = Napi::Array::New(arguments.env(), handles_.size());
    for (uint32_t i = 0; i < handles_.size(); ++i) {
      bounds.Set(i, Napi::Number::New(arguments.env(), members_[i].most));
    }
    return bounds;
  }

 private:
  // The clocks of all runs, one run after another; none if they are not timed.
  std::span<double> clocks(const Arguments& arguments) const {
    if (!arguments.has(9)) return {};
    size_t count = 0;
    for (size_t i = 0; i < handles_.size(); ++i) count += handles_[i].plan.clocks();
    return arguments.typed_array(9, "milliseconds", napi_float64_array, count, count).as<double>();
  }

  HandleRuns<kMaxSources> handles_;
  ShardRuns::Exchange exchange_;
  std::array<ShardRuns::Member, kMaxSources> members_;
};

}  // namespace

Napi::Value create_plan(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "createPlan");
  auto arena = arguments.has(1) ? arena_of(arguments, 1) : std::make_shared<PlanArena>(info.Env());
  auto handle = std::make_unique<PlanHandle>(snapshot_plan(arguments.object(0, "plan")),
                                             chosen_isa().kernels, std::move(arena));
  if (arguments.has(2)) {
    read_results(arguments, 2, handle->plan, handle->plan.routine().steps() + 1, handle->measured);
  }
  give_back_freed_memory();
  const Napi::Object object = Napi::Object::New(info.Env());
  object.TypeTag(&kPlanTag);
  if (napi_wrap(info.Env(), object, handle.get(), finalize, nullptr, nullptr) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  handle.release();
  return object;
}

Napi::Value run_plan(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "run");
  require_blas_buffer();
  PlanHandle& handle = handle_of(arguments);
  const Lease lease(handle);
  prepare(arguments, handle);
  const Mark mark(arguments, 3);
  const AbortScope scope(mark.abort(info.Env()));
  if (handle.measured.empty()) {
    handle.plan.run();
    mark.set();
    return Napi::Number::New(info.Env(), 0);
  }
  const double most = handle.plan.run(handle.measured);
  mark.set();
  return Napi::Number::New(info.Env(), most);
}

void run_plan_timed(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "runTimed");
  require_blas_buffer();
  PlanHandle& handle = handle_of(arguments);
  const Lease lease(handle);
  const size_t clocks = handle.plan.clocks();
  prepare(arguments, handle);
  const Mark mark(arguments, 4);
  const std::span<double> milliseconds =
      arguments.typed_array(3, "milliseconds", napi_float64_array, clocks, clocks).as<double>();
  const AbortScope scope(mark.abort(info.Env()));
  handle.plan.run_timed(milliseconds);
  mark.set();
}

Napi::Value summing_steps(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "summingSteps");
  const Routine& routine = handle_of(arguments).plan.routine();
  const Napi::Array steps = Napi::Array::New(info.Env());
  for (size_t i = 0; i < routine.steps(); ++i) {
    if (routine.sums(i)) steps.Set(steps.Length(), Napi::Number::New(info.Env(), i));
  }
  return steps;
}

Napi::Value all_reduced_bytes(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "allReducedBytes");
  const size_t bytes = ShardRuns::exchanged_bytes(handle_of(arguments).plan.routine());
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

Napi::Value run_plans_together(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "runTogether");
  require_blas_buffer();
  const TogetherRun run(arguments);
  const AbortScope scope(&Environment::of(info.Env()).abort.begin());
  return Napi::Number::New(info.Env(), run.run());
}

Napi::Value run_shards(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "runShards");
  require_blas_buffer();
  ShardsRun run(arguments);
  const AbortScope scope(&Environment::of(info.Env()).abort.begin());
  return run.run(arguments);
}

Napi::Value run_plan_async(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "runAsync");
  const auto deferred = Napi::Promise::Deferred::New(info.Env());
  try {
    auto work = std::make_unique<AsyncRun>(arguments, handle_of(arguments), deferred);
    work->Queue();
    work.release();
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  } catch (const OpError& error) {
    deferred.Reject(value_of(info.Env(), error).Value());
  } catch (const std::exception& error) {
    deferred.Reject(Napi::Error::New(info.Env(), error.what()).Value());
  }
  return deferred.Promise();
}

void release_plan(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "releasePlan");
  PlanHandle& handle = handle_of(arguments);
  { const Hold idle(handle.busy, "is running"); }
  void* data = nullptr;
  if (napi_remove_wrap(info.Env(), arguments.object(0, "handle"), &data) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  delete static_cast<PlanHandle*>(data);
}

void trim_memory(const Napi::CallbackInfo&) { give_back_freed_memory(); }

}  // namespace chainrule
