#include "napi/probe_calls.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "engine/blas.h"
#include "engine/isa.h"

namespace chainrule {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kMostMilliseconds = 10'000, kAlignment = 64, kMultiple = 256;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Calls run(times) for stretches of about a tenth of `limit`, and returns the milliseconds of the
// quickest one, for each time.
template <typename Run>
double quickest(double limit, const Run& run) {
  const double stretch = limit / 10;
  int64_t times = 1;
  double taken = 0, best = std::numeric_limits<double>::infinity();
  for (const Clock::time_point begin = Clock::now(); milliseconds_since(begin) < limit;) {
    const Clock::time_point start = Clock::now();
    run(times);
    taken = milliseconds_since(start);
    if (2 * taken < stretch) {
      times *= 2;
    } else {
      best = std::min(best, taken / static_cast<double>(times));
    }
  }
  return std::min(best, taken / static_cast<double>(times));
}

double limit_of(const Arguments& arguments, size_t index) {
  return static_cast<double>(arguments.integer(index, "milliseconds", 1, kMostMilliseconds));
}

std::span<float> floats(const Arguments& arguments, size_t index, const char* name,
                        int64_t elements = 0) {
  return arguments.typed_array(index, name, napi_float32_array, static_cast<size_t>(elements))
      .as<float>();
}

struct Product {
  int64_t rows, columns, depth;
  bool transpose_a, transpose_b;
};

Product product_of(const Arguments& arguments, size_t index) {
  const std::span<int32_t> shape =
      arguments.typed_array(index, "shape", napi_int32_array, 5, 5).as<int32_t>();
  if (*std::ranges::min_element(shape.first(3)) < 1) {
    arguments.fail("shape", "rows, columns and depth from 1 on", arguments.value(index));
  }
  return {shape[0], shape[1], shape[2], shape[3] != 0, shape[4] != 0};
}

void multiply(const Product& p, const float* a, const float* b, float* out) {
  const auto flag = [](bool transpose) { return transpose ? CblasTrans : CblasNoTrans; };
  const int64_t step_a = p.transpose_a ? p.rows : p.depth;
  const int64_t step_b = p.transpose_b ? p.depth : p.columns;
  cblas_sgemm(CblasRowMajor, flag(p.transpose_a), flag(p.transpose_b), p.rows, p.columns, p.depth,
              1, a, step_a, b, step_b, 0, out, p.columns);
}

// One row times a matrix.
void multiply_row(const Product& p, const float* a, const float* b, float* out) {
  if (p.transpose_b) {
    cblas_sgemv(CblasRowMajor, CblasNoTrans, p.columns, p.depth, 1, b, p.depth, a, 1, 0, out, 1);
  } else {
    cblas_sgemv(CblasRowMajor, CblasTrans, p.depth, p.columns, 1, b, p.columns, a, 1, 0, out, 1);
  }
}

}  // namespace

Napi::Value probe_multiply_add(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "probeMultiplyAdd");
  const Probe& probe = chosen_isa().probe;
  constexpr int64_t kRounds = 1000;
  const double flops = probe.multiply_add(kRounds);
  const double best =
      quickest(limit_of(arguments, 0), [&](int64_t times) { probe.multiply_add(kRounds * times); });
  return Napi::Number::New(info.Env(), flops / best / 1e6);
}

Napi::Value probe_moves(const Napi::CallbackInfo& info) {
  const Napi::Array list = Napi::Array::New(info.Env());
  for (const Move& move : chosen_isa().probe.moves) {
    const Napi::Object facts = Napi::Object::New(info.Env());
    facts.Set("name", move.name);
    facts.Set("reads", move.reads);
    facts.Set("writes", move.writes);
    list.Set(list.Length(), facts);
  }
  return list;
}

Napi::Value probe_move(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "probeMove");
  const std::span<const Move> moves = chosen_isa().probe.moves;
  const Move& move = moves[arguments.integer(0, "move", 0, static_cast<int64_t>(moves.size()) - 1)];
  const std::span<float> out = floats(arguments, 3, "out");
  const auto elements = static_cast<int64_t>(out.size());
  const std::span<float> a = floats(arguments, 1, "a", elements);
  const std::span<float> b = floats(arguments, 2, "b", elements);
  for (const std::span<float> array : {a, b, out}) {
    if (reinterpret_cast<uintptr_t>(array.data()) % kAlignment != 0 || elements % kMultiple != 0) {
      arguments.fail("out", "arrays aligned to 64 bytes, of a multiple of 256 elements",
                     arguments.value(3));
    }
  }
  const double best = quickest(limit_of(arguments, 4), [&](int64_t times) {
    move.run(a.data(), b.data(), out.data(), elements, times);
  });
  const double bytes = 4.0 * static_cast<double>((move.reads + move.writes) * elements);
  return Napi::Number::New(info.Env(), bytes / best / 1e6);
}

Napi::Value probe_blas(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "probeBlas");
  const Product shape = product_of(arguments, 3);
  const auto [rows, columns, depth, transpose_a, transpose_b] = shape;
  const std::span<float> a = floats(arguments, 0, "a", rows * depth);
  const std::span<float> b = floats(arguments, 1, "b", depth * columns);
  const std::span<float> out = floats(arguments, 2, "out", rows * columns);
  const double limit = limit_of(arguments, 4);
  const auto time = [&](const auto& product, double duration) {
    return quickest(duration, [&](int64_t times) {
      for (int64_t i = 0; i < times; ++i) product(shape, a.data(), b.data(), out.data());
    });
  };
  // Users of a BLAS have a routine of its own for one row.
  const double best = rows > 1 ? time(multiply, limit)
                               : std::min(time(multiply, limit / 2), time(multiply_row, limit / 2));
  return Napi::Number::New(info.Env(), best);
}

}  // namespace chainrule
