#include "shared_memory.h"

#include <algorithm>
#include <array>
#include <limits>

#include "mark.h"
#include "parallel.h"
#include "row_source.h"
#include "rows.h"

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

// V8 lets a loop of plain native calls go on for hundreds of rounds after its thread was told to
// end. Node-API refuses whatever might run JavaScript from that moment on, which tells us.
bool is_terminating(Napi::Value array) {
  bool has = false;
  return napi_has_element(array.Env(), array, 0, &has) != napi_ok;
}

template <typename T>
void combine_views(std::span<const ArrayView> views, std::span<const int32_t> program,
                   const ArrayView& output, size_t start, size_t end) {
  std::array<const T*, kMaxSources> sources;
  for (size_t i = 0; i < views.size(); ++i) sources[i] = views[i].as<const T>().data();
  combine<T>({sources.data(), views.size()}, program, output.as<T>().data(), start, end);
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
  if (outcome == Barrier::kTimedOut && is_terminating(info[0])) outcome = Barrier::kAborted;
  return Napi::Number::New(info.Env(), outcome);
}

void barrier_abort(const Napi::CallbackInfo& info) {
  barrier_of(Arguments(info, "barrierAbort")).abort();
}

void combine(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "combine");
  const Napi::Array list = arguments.array(1, "sources");
  const uint32_t count = list.Length();
  if (count < 1 || count > kMaxSources) {
    arguments.fail("sources.length", "1 to " + std::to_string(kMaxSources),
                   Napi::Number::New(info.Env(), count));
  }
  // Getters may run here, so no address is taken before the last of them.
  std::array<napi_value, kMaxSources> values;
  for (uint32_t s = 0; s < count; ++s) values[s] = list.Get(s);

  const ArrayView output = arguments.typed_array(0, "output");
  if (output.type != napi_float32_array && output.type != napi_float64_array) {
    arguments.fail("output", "Float32Array or Float64Array", info[0]);
  }
  const ArrayView program = arguments.typed_array(2, "program", napi_int32_array, 1);
  if (!is_sum(program.as<const int32_t>(), count)) {
    arguments.fail("program", "a sum of the sources in postfix", info[2]);
  }
  const auto length = static_cast<int64_t>(output.length);
  const int64_t start = arguments.integer(3, "start", 0, length);
  const int64_t end = arguments.integer(4, "end", start, length);
  std::array<ArrayView, kMaxSources> views;
  for (uint32_t s = 0; s < count; ++s) {
    const Napi::Value value(info.Env(), values[s]);
    if (!view_of(value, views[s]) || views[s].type != output.type ||
        static_cast<int64_t>(views[s].length) < end) {
      arguments.fail(
          "sources[" + std::to_string(s) + "]",
          std::string(type_name(output.type)) + " of at least " + std::to_string(end) + " elements",
          value);
    }
  }
  const Mark mark(arguments, 5);
  const std::span<const ArrayView> sources(views.data(), count);
  if (output.type == napi_float32_array) {
    combine_views<float>(sources, program.as<const int32_t>(), output, start, end);
  } else {
    combine_views<double>(sources, program.as<const int32_t>(), output, start, end);
  }
  mark.set();
}

Napi::Value address_modulo(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "addressModulo");
  const auto address = reinterpret_cast<uintptr_t>(arguments.typed_array(0, "array").data);
  const auto modulus = static_cast<uintptr_t>(arguments.integer(1, "modulus", 1, 1 << 20));
  return Napi::Number::New(info.Env(), static_cast<double>(address % modulus));
}

void gather_rows(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "gatherRows");
  const ArrayView destination = arguments.typed_array(0, "destination");
  const RowSource source = row_source(arguments, info[1], "source");
  if (source.type != destination.type) {
    arguments.fail("source", type_name(destination.type), info[1]);
  }
  const ArrayView indices = arguments.typed_array(2, "indices", napi_int32_array, 0);
  const auto index_count = static_cast<int64_t>(indices.length);
  const auto room = static_cast<int64_t>(destination.length);
  const int64_t start = arguments.integer(3, "start", 0, index_count);
  const int64_t row = arguments.integer(5, "rowElements", 1, std::max<int64_t>(room, 1));
  const int64_t count = arguments.integer(4, "count", 0, std::min(index_count - start, room / row));
  gather_rows(destination.data, source.data, indices.as<const int32_t>().subspan(start, count),
              source.length / row, row * source.element_size);
}

}  // namespace chainrule
