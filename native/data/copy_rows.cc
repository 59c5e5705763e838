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
    const int64_t index = indices[i];
    if (index < 0 || index >= source_rows) {
      throw OpError("gatherRows", "index " + std::to_string(index) + " at position " +
                                      std::to_string(i) + " is outside 0.." +
                                      std::to_string(source_rows - 1));
    }
    std::memmove(destination + i * row_bytes, source + index * row_bytes, row_bytes);
    // A page that is read from a disk takes longer than all its elements.
    check.after(static_cast<int64_t>(row_bytes));
  }
}

}  // namespace chainrule
