#include "engine/arena.h"

#include <cstdint>
#include <new>
#include <string>

#include "engine/op_error.h"
#include "platform/memory.h"

namespace chainrule {
namespace {

constexpr std::align_val_t kLine{64};

// The address sanitizer knows where memory of the allocator ends, but not where mapped memory does.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kLeastMapped = SIZE_MAX;
#else
constexpr size_t kLeastMapped = size_t{256} << 10;
#endif

}  // namespace

void ArenaDeleter::operator()(std::byte* memory) const {
  if (mapped) {
    unmap_pages(memory, bytes);
  } else {
    ::operator delete(memory, kLine);
  }
}

Arena allocate_arena(size_t bytes) {
  std::byte* memory = nullptr;
  ArenaDeleter deleter;
  if (bytes >= kLeastMapped && bytes <= SIZE_MAX - kPages) {
    deleter = {(bytes + kPages - 1) / kPages * kPages, true};
    memory = map_pages(deleter.bytes);
  } else {
    memory = static_cast<std::byte*>(::operator new(bytes, kLine, std::nothrow));
  }
  if (memory == nullptr) {
    throw OpError("plan", "cannot allocate " + std::to_string(bytes) + " bytes", kMemoryCode);
  }
  return Arena(memory, deleter);
}

}  // namespace chainrule
