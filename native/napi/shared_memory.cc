#include "napi/shared_memory.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/isa.h"
#include "engine/subnormals.h"
#include "napi/environment/environment.h"
#include "napi/mark.h"
#include "platform/memory.h"
#include "sync/combine.h"

namespace chainrule {
namespace {

template <typename T>
void combine_views(std::span<const ArrayView> views, std::span<const int32_t> program,
                   const ArrayView& output, size_t start, size_t end) {
  std::array<const T*, kMaxSources> sources;
  for (size_t i = 0; i < views.size(); ++i) sources[i] = views[i].as<const T>().data();
  combine<T>({sources.data(), views.size()}, program, output.as<T>().data(), start, end);
}

// The largest end of ranges of up to `length` elements, which are pairs of start and end; -1 if one
// is not.
int64_t end_of(std::span<const double> ranges, int64_t length) {
  if (ranges.size() % 2 != 0) return -1;
  int64_t last = 0;
  for (size_t i = 0; i < ranges.size(); i += 2) {
    const double start = ranges[i], end = ranges[i + 1];
    const bool is_range = start >= 0 && start <= end && end <= static_cast<double>(length) &&
                          start == std::floor(start) && end == std::floor(end);
    if (!is_range) return -1;
    last = std::max(last, static_cast<int64_t>(end));
  }
  return last;
}

}  // namespace

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
  const ArrayView ranges = arguments.typed_array(3, "ranges", napi_float64_array, 0);
  const int64_t end = end_of(ranges.as<const double>(), static_cast<int64_t>(output.length));
  if (end < 0) arguments.fail("ranges", "pairs of start and end within the output", info[3]);
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
  const Mark mark(arguments, 4);
  const std::span<const ArrayView> sources(views.data(), count);
  const AbortScope scope(mark.abort(info.Env()));
  const SubnormalFlush flush;
  const auto combine_ranges =
      output.type == napi_float32_array ? combine_views<float> : combine_views<double>;
  const std::span<const double> bounds = ranges.as<const double>();
  for (size_t i = 0; i < bounds.size(); i += 2) {
    combine_ranges(sources, program.as<const int32_t>(), output, static_cast<size_t>(bounds[i]),
                   static_cast<size_t>(bounds[i + 1]));
  }
  mark.set();
}

Napi::Value largest(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "largest");
  const ArrayView array = arguments.typed_array(0, "array");
  if (array.type != napi_float32_array && array.type != napi_float64_array) {
    arguments.fail("array", "Float32Array or Float64Array", info[0]);
  }
  const auto length = static_cast<int64_t>(array.length);
  const int64_t start = arguments.integer(1, "start", 0, length);
  const int64_t end = arguments.integer(2, "end", start, length);
  const DType dtype = array.type == napi_float32_array ? DType::kFloat32 : DType::kFloat64;
  const AbortScope scope(&Environment::of(info.Env()).abort.begin());
  const std::byte* from = array.data + static_cast<size_t>(start) * array.element_size;
  return Napi::Number::New(info.Env(), chosen_isa().largest(from, end - start, dtype));
}

void advise_huge_pages(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "adviseHugePages");
  const ArrayView array = arguments.typed_array(0, "array");
  advise_huge_pages(array.data, array.length * array.element_size);
}

Napi::Value address_modulo(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "addressModulo");
  const auto address = reinterpret_cast<uintptr_t>(arguments.typed_array(0, "array").data);
  const auto modulus = static_cast<uintptr_t>(arguments.integer(1, "modulus", 1, 1 << 20));
  return Napi::Number::New(info.Env(), static_cast<double>(address % modulus));
}

}  // namespace chainrule
