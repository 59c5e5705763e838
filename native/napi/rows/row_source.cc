#include "napi/rows/row_source.h"

#include <algorithm>
#include <memory>

#include "engine/plain_value.h"

namespace chainrule {
namespace {

constexpr napi_type_tag kFileTag = {0x5be08a7d61f3429c, 0xa94d7e20c86b1f35};

// The state that a handle owns; `file` is null once it was closed.
struct FileHandle {
  std::unique_ptr<RowFile> file;
  DType dtype;
};

void finalize(napi_env, void* data, void*) { delete static_cast<FileHandle*>(data); }

FileHandle* handle_of(Napi::Value value) {
  if (!value.IsObject() || value.IsTypedArray()) return nullptr;
  const Napi::Object object = value.As<Napi::Object>();
  void* data = nullptr;
  if (!object.CheckTypeTag(&kFileTag) || napi_unwrap(object.Env(), object, &data) != napi_ok) {
    return nullptr;
  }
  return static_cast<FileHandle*>(data);
}

std::string text_of(const Arguments& arguments, const Napi::CallbackInfo& info, size_t index,
                    const char* name) {
  if (!info[index].IsString()) arguments.fail(name, "a string", info[index]);
  return info[index].As<Napi::String>();
}

}  // namespace

RowSource row_source(const Arguments& arguments, Napi::Value value, const char* name) {
  ArrayView view{};
  if (view_of(value, view)) {
    return {view.type, view.data, static_cast<int64_t>(view.length), view.element_size};
  }
  const FileHandle* handle = handle_of(value);
  if (handle == nullptr) arguments.fail(name, "a typed array or made by mapFile", value);
  if (!handle->file) arguments.fail(name, "open", Napi::String::New(arguments.env(), "closed"));
  const size_t size = size_of(handle->dtype);
  return {array_type(handle->dtype), nullptr, handle->file->bytes() / static_cast<int64_t>(size),
          size, handle->file.get()};
}

Napi::Value map_file(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "mapFile");
  const std::string path = text_of(arguments, info, 0, "path");
  const DType dtype =
      PlainValue(PlainValue::Content(text_of(arguments, info, 3, "dtype"))).dtype("mapFile: dtype");
  const auto size = static_cast<int64_t>(size_of(dtype));
  const int64_t offset = arguments.integer(1, "offset", 0, kLargest);
  const int64_t elements = arguments.integer(2, "elements", 1, kLargest / size);
  if (offset % size != 0) {
    arguments.fail("offset", "a multiple of " + std::to_string(size), info[1]);
  }
  auto handle = std::make_unique<FileHandle>(
      FileHandle{std::make_unique<RowFile>(path, offset, elements * size,
                                           text_of(arguments, info, 4, "stamp")),
                 dtype});
  const Napi::Object object = Napi::Object::New(info.Env());
  object.TypeTag(&kFileTag);
  if (napi_wrap(info.Env(), object, handle.get(), finalize, nullptr, nullptr) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  handle.release();
  return object;
}

Napi::Value file_stamp(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "fileStamp");
  const FileHandle* handle = handle_of(info[0]);
  if (handle == nullptr || !handle->file)
    arguments.fail("file", "made by mapFile, and open", info[0]);
  return Napi::String::New(info.Env(), handle->file->stamp());
}

void unmap_file(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "unmapFile");
  FileHandle* handle = handle_of(info[0]);
  if (handle == nullptr) arguments.fail("file", "made by mapFile", info[0]);
  handle->file.reset();
}

void advise_rows(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "adviseRows");
  const RowSource source = row_source(arguments, info[0], "source");
  const ArrayView indices = arguments.typed_array(1, "indices", napi_int32_array, 0);
  const auto index_count = static_cast<int64_t>(indices.length);
  const int64_t start = arguments.integer(2, "start", 0, index_count);
  const int64_t count = arguments.integer(3, "count", 0, index_count - start);
  const int64_t row = arguments.integer(4, "rowElements", 1, std::max<int64_t>(source.length, 1));
  if (source.file == nullptr) return;
  const int64_t rows = source.length / row;
  const auto wanted = indices.as<const int32_t>().subspan(start, count);
  // Adjacent rows are requested together.
  for (size_t i = 0; i < wanted.size();) {
    const int64_t first = wanted[i];
    int64_t next = first;
    while (i < wanted.size() && wanted[i] == next) ++i, ++next;
    // An index out of range is reported by the call that reads the row.
    if (first >= 0 && next <= rows) {
      source.file->will_need(first, next, row * source.element_size);
    }
  }
}

}  // namespace chainrule
