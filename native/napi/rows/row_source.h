#pragma once

#include "data/mapped_file.h"
#include "engine/operand.h"
#include "napi/arguments.h"

namespace chainrule {

// The source that rows are read from: a typed array, or a file that mapFile made. Stays valid until
// JavaScript runs again.
struct RowSource {
  napi_typedarray_type type;
  const std::byte* data;
  int64_t length;  // elements
  size_t element_size;
};

// The rows of an argument. Those of a file are checked each time, so that a file which was closed
// or truncated is an error.
RowSource row_source(const Arguments& arguments, Napi::Value value, const char* name);

// mapFile(path, offset, elements, dtype): elements of a file from a byte offset on, read-only.
// Unmapped when nothing refers to it any more.
Napi::Value map_file(const Napi::CallbackInfo& info);

// unmapFile(file): releases the mapping at once.
void unmap_file(const Napi::CallbackInfo& info);

// adviseRows(source, indices, start, count, rowElements): says that the rows indices[start ...
// start + count] of a file are needed soon. Does nothing for a typed array.
void advise_rows(const Napi::CallbackInfo& info);

}  // namespace chainrule
