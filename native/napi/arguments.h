#pragma once

// Every C++ exception becomes a JavaScript Error; and an Error that cannot be thrown, because its
// thread is being terminated, is dropped instead of ending the process.
#ifndef NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#define NODE_ADDON_API_CPP_EXCEPTIONS_ALL
#endif
#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif
#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/operand.h"

namespace chainrule {

// The memory of a typed array. It stays valid until JavaScript runs again.
struct ArrayView {
  napi_typedarray_type type;
  std::byte* data;
  size_t length;  // elements
  size_t element_size;

  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data), length};
  }
};

// The arguments of an exported function, checked as they are taken. An invalid one throws
// OpError `<function>: <name> must be <expected>, got <received>`.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function)
      : info_(info), function_(function) {}

  Napi::Env env() const { return info_.Env(); }
  Napi::Value value(size_t index) const { return info_[index]; }
  bool has(size_t index) const { return index < info_.Length() && !info_[index].IsUndefined(); }
  int64_t integer(size_t index, const char* name, int64_t low, int64_t high) const;
  Napi::Object object(size_t index, const char* name) const;
  Napi::Array array(size_t index, const char* name) const;
  ArrayView typed_array(size_t index, const char* name) const;
  ArrayView typed_array(size_t index, const char* name, napi_typedarray_type type,
                        size_t min_length, size_t max_length = SIZE_MAX) const;

  [[noreturn]] void fail(const std::string& name, const std::string& expected,
                         Napi::Value received) const;

 private:
  const Napi::CallbackInfo& info_;
  const char* function_;
};

// False unless the value is a typed array with memory of its own, aligned to its elements.
bool view_of(Napi::Value value, ArrayView& view);

// The typed array that holds elements of a dtype.
napi_typedarray_type array_type(DType dtype);

const char* type_name(napi_typedarray_type type);

// A value as an error message shows it.
std::string describe(Napi::Value value);

}  // namespace chainrule
