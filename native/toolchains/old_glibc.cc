// What the compiler's own libraries ask of a new C library and an old one lacks, for addons that
// run on both. Hidden, so that it is used by nothing but this addon.
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <cstdint>

#define HIDDEN extern "C" __attribute__((visibility("hidden")))

// glibc 2.32: lets libstdc++ count references without atomic operations. A process with Node.js in
// it has threads.
HIDDEN char __libc_single_threaded;
char __libc_single_threaded = 0;

// glibc 2.33; before, the header made a call of __fxstat with the version of the structure of it.
extern "C" int __fxstat(int version, int file, struct stat* result);
HIDDEN int fstat(int file, struct stat* result) {
#if defined(__x86_64__)
  return __fxstat(1, file, result);
#else
  return __fxstat(0, file, result);
#endif
}

// glibc 2.36, for std::random_device.
HIDDEN uint32_t arc4random() {
  uint32_t result = 0;
  while (getrandom(&result, sizeof(result), 0) != static_cast<ssize_t>(sizeof(result))) {
  }
  return result;
}

// glibc 2.30, for std::condition_variable. An older one waits by the clock of the day: should that
// one be set meanwhile, the wait ends early or late, which its callers, who look at the time again,
// allow for.
HIDDEN int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                  clockid_t clock, const timespec* deadline) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const auto wait = reinterpret_cast<Wait>(dlsym(RTLD_DEFAULT, "pthread_cond_clockwait"));
  if (wait != nullptr) return wait(condition, mutex, clock, deadline);
  constexpr int64_t second = 1'000'000'000;
  const auto nanoseconds = [](const timespec& time) { return time.tv_sec * second + time.tv_nsec; };
  timespec theirs, day;
  clock_gettime(clock, &theirs);
  clock_gettime(CLOCK_REALTIME, &day);
  const int64_t end = nanoseconds(day) + nanoseconds(*deadline) - nanoseconds(theirs);
  const timespec until{static_cast<time_t>(end / second), static_cast<long>(end % second)};
  return pthread_cond_timedwait(condition, mutex, &until);
}

// glibc 2.35, by which an exception finds the table for unwinding of the object that has an
// address.
HIDDEN int _dl_find_object(void* address, dl_find_object* result) {
  struct Search {
    uintptr_t address;
    dl_find_object* result;
  } search{reinterpret_cast<uintptr_t>(address), result};
  const auto look = [](dl_phdr_info* object, size_t, void* data) {
    const auto& [wanted, found] = *static_cast<Search*>(data);
    bool holds = false;
    void* table = nullptr;
    for (int i = 0; i < object->dlpi_phnum; i++) {
      const auto& segment = object->dlpi_phdr[i];
      const uintptr_t start = object->dlpi_addr + segment.p_vaddr;
      if (segment.p_type == PT_GNU_EH_FRAME) table = reinterpret_cast<void*>(start);
      if (segment.p_type == PT_LOAD && wanted >= start && wanted - start < segment.p_memsz) {
        holds = true;
        found->dlfo_map_start = reinterpret_cast<void*>(start);
        found->dlfo_map_end = reinterpret_cast<void*>(start + segment.p_memsz);
      }
    }
    if (!holds || table == nullptr) return 0;
    found->dlfo_flags = 0;
    found->dlfo_link_map = nullptr;
    found->dlfo_eh_frame = table;
    return 1;
  };
  return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}
