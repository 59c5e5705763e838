#include "napi/arguments.h"

#include <iterator>

#include "engine/op_error.h"

namespace chainrule {
namespace {

size_t element_size_of(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

const char* type_name(napi_typedarray_type type) {
  static constexpr const char* kNames[] = {"Int8Array",     "Uint8Array",    "Uint8ClampedArray",
                                           "Int16Array",    "Uint16Array",   "Int32Array",
                                           "Uint32Array",   "Float32Array",  "Float64Array",
                                           "BigInt64Array", "BigUint64Array"};
  return type >= 0 && static_cast<size_t>(type) < std::size(kNames) ? kNames[type] : "typed array";
}

napi_typedarray_type array_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return napi_float32_array;
    case DType::kFloat64:
      return napi_float64_array;
    case DType::kInt32:
      return napi_int32_array;
    default:
      return napi_uint8_array;
  }
}

bool view_of(Napi::Value value, ArrayView& view) {
  if (!value.IsTypedArray()) return false;
  void* data = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, &view.type, &view.length, &data, nullptr,
                               nullptr) != napi_ok) {
    return false;
  }
  view.data = static_cast<std::byte*>(data);
  view.element_size = element_size_of(view.type);
  return view.element_size != 0 && reinterpret_cast<uintptr_t>(data) % view.element_size == 0;
}

std::string describe(Napi::Value value) {
  ArrayView view{};
  std::string text;
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
    case napi_number:
      return value.ToString();
    case napi_string:
      text = value.ToString();
      return "'" + text + "'";
    case napi_object:
      if (view_of(value, view)) {
        return std::string(type_name(view.type)) + "(" + std::to_string(view.length) + ")";
      }
      return value.IsArray() ? "an array" : "an object";
    case napi_function:
      return "a function";
    default:
      return "another type";
  }
}

void Arguments::fail(const std::string& name, const std::string& expected,
                     Napi::Value received) const {
  throw OpError(function_, name + " must be " + expected + ", got " + describe(received));
}

int64_t Arguments::integer(size_t index, const char* name, int64_t low, int64_t high) const {
  const Napi::Value value = info_[index];
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0.5;
  // Written so that NaN fails.
  if (number >= static_cast<double>(low) && number <= static_cast<double>(high) &&
      number == static_cast<double>(static_cast<int64_t>(number))) {
    return static_cast<int64_t>(number);
  }
  fail(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high), value);
}

Napi::Object Arguments::object(size_t index, const char* name) const {
  if (!info_[index].IsObject()) fail(name, "an object", info_[index]);
  return info_[index].As<Napi::Object>();
}

Napi::Array Arguments::array(size_t index, const char* name) const {
  if (!info_[index].IsArray()) fail(name, "an array", info_[index]);
  return info_[index].As<Napi::Array>();
}

ArrayView Arguments::typed_array(size_t index, const char* name) const {
  ArrayView view{};
  if (!view_of(info_[index], view)) fail(name, "a typed array", info_[index]);
  return view;
}

ArrayView Arguments::typed_array(size_t index, const char* name, napi_typedarray_type type,
                                 size_t min_length, size_t max_length) const {
  ArrayView view{};
  if (view_of(info_[index], view) && view.type == type && view.length >= min_length &&
      view.length <= max_length) {
    return view;
  }
  std::string expected =
      std::string(type_name(type)) + " of at least " + std::to_string(min_length) + " elements";
  if (max_length != SIZE_MAX) expected += " and at most " + std::to_string(max_length);
  fail(name, expected, info_[index]);
}

}  // namespace chainrule
