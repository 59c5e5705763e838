#pragma once

#include <cstddef>
#include <memory>

namespace chainrule {

// Frees an arena. One of some size is mapped: its pages go back to the system at once, wherever it
// lies, while an allocator keeps freed memory below memory in use.
struct ArenaDeleter {
  size_t bytes = 0;
  bool mapped = false;
  void operator()(std::byte* memory) const;
};

using Arena = std::unique_ptr<std::byte, ArenaDeleter>;

// Allocates an arena, at least 64-byte aligned and not cleared. Throws OpError if there is not
// enough memory.
Arena allocate_arena(size_t bytes);

}  // namespace chainrule
