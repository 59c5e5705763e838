#include "engine/arena.h"

#include <cstdint>
#include <new>
#include <string>

#include "engine/op_error.h"

// The address sanitizer knows where memory of the allocator ends, but not where mapped memory does.
#if __has_include(<sys/mman.h>) && !defined(__SANITIZE_ADDRESS__)
#define CHAINRULE_MAPS_ARENAS
#include <sys/mman.h>
#endif

namespace chainrule {
namespace {

constexpr std::align_val_t kLine{64};

#ifdef CHAINRULE_MAPS_ARENAS

// A multiple of the pages of every system.
constexpr size_t kPages = size_t{64} << 10;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLeastMapped = size_t{256} << 10;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::byte* map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

// Huge pages save most page faults of the first step; without any, the advice has no effect.
std::byte* map_huge_pages(size_t bytes) {
  std::byte* const memory = map(bytes + kHugePage);
  if (memory == nullptr) return nullptr;
  const size_t before = -reinterpret_cast<uintptr_t>(memory) % kHugePage;
  if (before > 0) munmap(memory, before);
  munmap(memory + before + bytes, kHugePage - before);
#ifdef MADV_HUGEPAGE
  madvise(memory + before, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return memory + before;
}

#endif

}  // namespace

void ArenaDeleter::operator()(std::byte* memory) const {
#ifdef CHAINRULE_MAPS_ARENAS
  if (mapped) {
    munmap(memory, bytes);
    return;
  }
#endif
  ::operator delete(memory, kLine);
}

Arena allocate_arena(size_t bytes) {
  std::byte* memory = nullptr;
  ArenaDeleter deleter;
#ifdef CHAINRULE_MAPS_ARENAS
  if (bytes >= kLeastMapped && bytes < SIZE_MAX - 2 * kHugePage) {
    deleter = {round_up(bytes, kPages), true};
    memory = bytes >= kHugePage ? map_huge_pages(deleter.bytes) : map(deleter.bytes);
  }
#endif
  if (!deleter.mapped) {
    memory = static_cast<std::byte*>(::operator new(bytes, kLine, std::nothrow));
  }
  if (memory == nullptr) {
    throw OpError("plan", "cannot allocate " + std::to_string(bytes) + " bytes", kMemoryCode);
  }
  return Arena(memory, deleter);
}

}  // namespace chainrule
