#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chainrule {

// Copies source row indices[i] to destination row i; a row is row_bytes long, whatever its
// elements. Throws OpError at an index outside 0 ... source_rows - 1.
void copy_rows(std::byte* destination, const std::byte* source, std::span<const int32_t> indices,
               int64_t source_rows, size_t row_bytes);

// Throws OpError if indices[position] is outside 0 ... source_rows - 1.
void require_index(std::span<const int32_t> indices, size_t position, int64_t source_rows);

}  // namespace chainrule
