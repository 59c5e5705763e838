#include "engine/arena.h"

#include <string>

#include "engine/op_error.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace chainrule {

Arena allocate_arena(size_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const std::align_val_t alignment{bytes >= kHugePage ? kHugePage : 64};
  auto* memory = static_cast<std::byte*>(::operator new(bytes, alignment, std::nothrow));
  if (memory == nullptr) {
    throw OpError("plan", "cannot allocate " + std::to_string(bytes) + " bytes", kMemoryCode);
  }
#ifdef __linux__
  // Huge pages save most page faults of the first step; without any, the advice has no effect.
  if (bytes >= kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return Arena(memory, ArenaDeleter{alignment});
}

}  // namespace chainrule
