#pragma once

#include "data/row_file.h"
#include "engine/operand.h"
#include "napi/arguments.h"

namespace chainrule {

// The source that rows are read from: a typed array, or a file that mapFile made. Stays valid until
// JavaScript runs again.
struct RowSource {
  napi_typedarray_type type;
  const std::byte* data;  // of an array
  int64_t length;         // elements
  size_t element_size;
  RowFile* file = nullptr;
};

// The rows of an argument. A file that was closed is an error.
RowSource row_source(const Arguments& arguments, Napi::Value value, const char* name);

// mapFile(path, offset, elements, dtype, stamp): elements of a file from a byte offset on, in the
// state that a stamp tells of, if it is not empty. Closed when nothing refers to it any more.
Napi::Value map_file(const Napi::CallbackInfo& info);

// fileStamp(file): the file and its state when it was opened, for mapFile in other threads.
Napi::Value file_stamp(const Napi::CallbackInfo& info);

// unmapFile(file): closes it at once.
void unmap_file(const Napi::CallbackInfo& info);

// adviseRows(source, indices, start, count, rowElements): says that the rows indices[start ...
// start + count] of a file are needed soon. Does nothing for a typed array.
void advise_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
