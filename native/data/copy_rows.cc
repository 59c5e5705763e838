#include "data/copy_rows.h"

#include <cstring>
#include <string>

#include "engine/op_error.h"
#include "sync/abort.h"

namespace chainrule {

void copy_rows(std::byte* destination, const std::byte* source, std::span<const int32_t> indices,
               int64_t source_rows, size_t row_bytes) {
  AbortCheck check;
  for (size_t i = 0; i < indices.size(); ++i) {
    require_index(indices, i, source_rows);
    std::memmove(destination + i * row_bytes, source + indices[i] * row_bytes, row_bytes);
    check.after(static_cast<int64_t>(row_bytes));
  }
}

void require_index(std::span<const int32_t> indices, size_t position, int64_t source_rows) {
  const int64_t index = indices[position];
  if (index >= 0 && index < source_rows) return;
  throw OpError("gatherRows", "index " + std::to_string(index) + " at position " +
                                  std::to_string(position) + " is outside 0.." +
                                  std::to_string(source_rows - 1));
}

}  // namespace chainrule
