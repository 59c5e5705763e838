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

// At least 64-byte aligned, not cleared. Throws PlanError when there is not that much memory.
Arena allocate_arena(size_t bytes);

}  // namespace chainrule
