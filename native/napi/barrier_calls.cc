#include "napi/barrier_calls.h"

#include <limits>

#include "napi/environment/run_abort.h"
#include "sync/barrier.h"

namespace chainrule {
namespace {

constexpr int32_t kMaxParties = 1 << 16;
constexpr int64_t kMaxTimeoutMs = 60'000;
constexpr int64_t kLowestTicket = std::numeric_limits<int32_t>::min();
constexpr int64_t kHighestTicket = std::numeric_limits<int32_t>::max();

Barrier barrier_of(const Arguments& arguments) {
  const ArrayView words = arguments.typed_array(0, "state", napi_int32_array, Barrier::kWords);
  return Barrier(words.as<int32_t>().data());
}

int32_t parties_of(const Arguments& arguments, size_t index) {
  return static_cast<int32_t>(arguments.integer(index, "parties", 1, kMaxParties));
}

}  // namespace

Napi::Value barrier_arrive(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "barrierArrive");
  const int32_t parties = parties_of(arguments, 1);
  return Napi::Number::New(info.Env(), barrier_of(arguments).arrive(parties));
}

Napi::Value barrier_wait(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "barrierWait");
  const int32_t parties = parties_of(arguments, 2);
  const auto ticket =
      static_cast<int32_t>(arguments.integer(1, "ticket", kLowestTicket, kHighestTicket));
  const std::chrono::milliseconds timeout(arguments.integer(3, "timeoutMs", 0, kMaxTimeoutMs));
  const Barrier barrier = barrier_of(arguments);
  Barrier::Outcome outcome = barrier.wait(ticket, parties, timeout);
  // V8 lets a loop of plain native calls run for hundreds of rounds after its thread was
  // terminated.
  if (outcome == Barrier::kTimedOut && is_terminating(info[0])) outcome = Barrier::kAborted;
  return Napi::Number::New(info.Env(), outcome);
}

Napi::Value barrier_aborted(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), barrier_of(Arguments(info, "barrierAborted")).aborted());
}

void barrier_abort(const Napi::CallbackInfo& info) {
  barrier_of(Arguments(info, "barrierAbort")).abort();
}

}  // namespace chainrule
