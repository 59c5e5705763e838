#include "napi/rows/augment_rows.h"

#include <algorithm>

#include "data/augment.h"
#include "engine/op_error.h"
#include "engine/subnormals.h"
#include "napi/environment/environment.h"
#include "napi/rows/row_source.h"

namespace chainrule {
namespace {

DType dtype_of(const Arguments& arguments, const RowSource& source, Napi::Value value) {
  switch (source.type) {
    case napi_float32_array:
      return DType::kFloat32;
    case napi_float64_array:
      return DType::kFloat64;
    case napi_int32_array:
      return DType::kInt32;
    case napi_uint8_array:
      return DType::kUint8;
    default:
      arguments.fail("source", "of a dtype that data sets have", value);
  }
}

bool boolean(const Arguments& arguments, Napi::Value value, const char* name) {
  if (!value.IsBoolean()) arguments.fail(name, "true or false", value);
  return value.As<Napi::Boolean>();
}

}  // namespace

void augment_rows(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "augmentRows");
  const ArrayView destination = arguments.typed_array(0, "destination", napi_float32_array, 0);
  const RowSource source = row_source(arguments, info[1], "source");
  const DType dtype = dtype_of(arguments, source, info[1]);
  const ArrayView indices = arguments.typed_array(2, "indices", napi_int32_array, 0);
  const bool gathered = boolean(arguments, info[5], "gathered");
  const ArrayView program = arguments.typed_array(6, "program", napi_float64_array, 0);
  const Augmentation augmentation(program.as<const double>());
  const auto scratch_elements = static_cast<size_t>(augmentation.scratch_elements());
  const ArrayView scratch =
      arguments.typed_array(7, "scratch", napi_float32_array, scratch_elements);
  const auto key = arguments.typed_array(8, "key", napi_uint32_array, 4).as<const uint32_t>();
  const auto index_count = static_cast<int64_t>(indices.length);
  const int64_t room = static_cast<int64_t>(destination.length) / augmentation.result_elements();
  const int64_t start = arguments.integer(3, "start", 0, index_count);
  const int64_t count = arguments.integer(4, "count", 0, std::min(index_count - start, room));

  const int64_t source_rows = source.length / augmentation.source_elements();
  const auto row_bytes = static_cast<size_t>(augmentation.source_elements()) * source.element_size;
  float* output = destination.as<float>().data();
  const AbortScope scope(&Environment::of(info.Env()).abort.begin());
  AbortCheck check;
  const SubnormalFlush flush;
  for (int64_t i = 0; i < count; ++i, output += augmentation.result_elements()) {
    const int32_t index = indices.as<const int32_t>()[static_cast<size_t>(start + i)];
    const int64_t row = gathered ? i : index;
    if (row < 0 || row >= source_rows) {
      throw OpError("augmentRows", "row " + std::to_string(row) + " is outside 0.." +
                                       std::to_string(source_rows - 1));
    }
    const std::byte* image =
        source.file != nullptr ? source.file->row(row, row_bytes) : source.data + row * row_bytes;
    augmentation.run(image, dtype, {key[0], key[1], key[2], static_cast<uint32_t>(index) + key[3]},
                     output, scratch.as<float>().data());
    check.after(static_cast<int64_t>(program.length) * augmentation.result_elements());
  }
  if (source.file != nullptr) source.file->require_unchanged();
}

void mix_rows(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "mixRows");
  const ArrayView rows = arguments.typed_array(0, "rows", napi_float32_array, 0);
  const auto room = static_cast<int64_t>(rows.length);
  const int64_t row = arguments.integer(3, "rowElements", 1, std::max<int64_t>(room, 1));
  const int64_t count = arguments.integer(2, "count", 0, room / row);
  const ArrayView before =
      arguments.typed_array(1, "before", napi_float32_array, static_cast<size_t>(row));
  const double lambda = info[4].IsNumber() ? info[4].As<Napi::Number>().DoubleValue() : -1;
  if (!(lambda >= 0 && lambda <= 1)) arguments.fail("lambda", "a number from 0 to 1", info[4]);
  const SubnormalFlush flush;
  mix_rows(rows.as<float>().data(), before.as<const float>().data(), count, row, lambda);
}

}  // namespace chainrule
