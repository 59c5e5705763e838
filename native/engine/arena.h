#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace chainrule {

struct ArenaDeleter {
  std::align_val_t alignment{64};
  void operator()(std::byte* memory) const { ::operator delete(memory, alignment); }
};

using Arena = std::unique_ptr<std::byte, ArenaDeleter>;

// Allocates an arena, at least 64-byte aligned and not cleared. Throws OpError if there is not
// enough memory.
Arena allocate_arena(size_t bytes);

}  // namespace chainrule
