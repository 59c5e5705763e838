#include "napi/environment/blas_buffer.h"

#include <cstddef>
#include <string>

#include "engine/op_error.h"

#if defined(CHAINRULE_BLAS_OPENBLAS) && __has_include(<sys/mman.h>)
#include <sys/mman.h>

namespace chainrule {
namespace {

// As OpenBLAS has it for most processors; it is touched only as far as it is used.
constexpr size_t kBuffer = size_t{128} << 20;

bool can_map(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED && munmap(memory, bytes) == 0;
}

}  // namespace

void require_blas_buffer() {
  thread_local bool known = false;
  if (known) return;
  known = can_map(kBuffer);
  if (known) return;
  throw OpError("plan",
                "not enough memory: a thread needs " + std::to_string(kBuffer) +
                    " bytes of address space for the buffer of the BLAS; see ulimit -v and -d",
                kMemoryCode);
}

}  // namespace chainrule

#else

namespace chainrule {

void require_blas_buffer() {}

}  // namespace chainrule

#endif
