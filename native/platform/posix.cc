// Linux and macOS.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include "platform/environment.h"
#include "platform/file.h"
#include "platform/memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace chainrule {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

std::byte* map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

size_t up_to_huge_page(const std::byte* memory) {
  return -reinterpret_cast<uintptr_t>(memory) % kHugePage;
}

int number_of(intptr_t handle) { return static_cast<int>(handle); }

[[noreturn]] void fail() { throw SystemError(std::generic_category().message(errno)); }

const timespec& change_of(const struct stat& state) {
#ifdef __APPLE__
  return state.st_mtimespec;
#else
  return state.st_mtim;
#endif
}

}  // namespace

// Huge pages save most page faults of the first step, and begin at multiples of their size.
std::byte* map_pages(size_t bytes) {
  if (bytes < kHugePage) return map(bytes);
  if (bytes > SIZE_MAX - kHugePage) return nullptr;
  std::byte* const memory = map(bytes + kHugePage);
  if (memory == nullptr) return nullptr;
  const size_t before = up_to_huge_page(memory);
  if (before > 0) munmap(memory, before);
  munmap(memory + before + bytes, kHugePage - before);
  advise_huge_pages(memory + before, bytes);
  return memory + before;
}

void unmap_pages(std::byte* memory, size_t bytes) { munmap(memory, bytes); }

void advise_huge_pages([[maybe_unused]] std::byte* memory, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  const size_t before = up_to_huge_page(memory);
  if (bytes < before + kHugePage) return;
  madvise(memory + before, (bytes - before) / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
}

void give_back_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

const char* const kLimitsOfMemory = "ulimit -v and -d";

std::string environment_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

File::File(const std::string& path)
    : handle_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (handle_ < 0) fail();
}

File::~File() { close(number_of(handle_)); }

File::State File::state() const {
  struct stat state {};
  if (fstat(number_of(handle_), &state) != 0) fail();
  const timespec& changed = change_of(state);
  std::string stamp;
  for (const auto number :
       {static_cast<int64_t>(state.st_dev), static_cast<int64_t>(state.st_ino),
        static_cast<int64_t>(state.st_size), static_cast<int64_t>(changed.tv_sec),
        static_cast<int64_t>(changed.tv_nsec)}) {
    if (!stamp.empty()) stamp += '/';
    stamp += std::to_string(number);
  }
  return {S_ISREG(state.st_mode), state.st_size, stamp};
}

int64_t File::read(std::byte* destination, int64_t bytes, int64_t offset) const {
  for (;;) {
    const ssize_t got = pread(number_of(handle_), destination, static_cast<size_t>(bytes), offset);
    if (got >= 0) return got;
    if (errno != EINTR) fail();
  }
}

void File::expect_any_order() const {
#ifdef POSIX_FADV_RANDOM
  posix_fadvise(number_of(handle_), 0, 0, POSIX_FADV_RANDOM);
#endif
}

void File::will_need([[maybe_unused]] int64_t offset, [[maybe_unused]] int64_t bytes) const {
#ifdef POSIX_FADV_WILLNEED
  posix_fadvise(number_of(handle_), offset, bytes, POSIX_FADV_WILLNEED);
#endif
}

int lock_descriptor(int descriptor) {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace chainrule
