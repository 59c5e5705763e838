#pragma once

#include <cstddef>

// Memory that the operating system gives out in pages.
namespace chainrule {

// A multiple of the pages of every system.
inline constexpr size_t kPages = size_t{64} << 10;

// Maps memory of its own, `bytes` long, which is a multiple of kPages; null if there is none.
std::byte* map_pages(size_t bytes);

// Gives mapped memory back to the system at once.
void unmap_pages(std::byte* memory, size_t bytes);

// Asks for huge pages where memory has not been touched yet, as far as whole ones lie within it.
// Without any, or where there are none, no effect.
void advise_huge_pages(std::byte* memory, size_t bytes);

// Gives back what the allocator would keep: many small blocks, as decoding a plan leaves, or freed
// plans.
void give_back_freed_memory();

// Where a user looks when there is no address space.
extern const char* const kLimitsOfMemory;

}  // namespace chainrule
