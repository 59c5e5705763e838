#include "napi/environment/blas_buffer.h"

#include <cstddef>
#include <string>

#include "engine/op_error.h"
#include "platform/memory.h"

namespace chainrule {
namespace {

#if defined(CHAINRULE_BLAS_OPENBLAS)
// As OpenBLAS has it for most processors; it is touched only as far as it is used.
constexpr size_t kBuffer = size_t{128} << 20;
#else
constexpr size_t kBuffer = 0;
#endif

bool can_map(size_t bytes) {
  if (bytes == 0) return true;
  std::byte* const memory = map_pages(bytes);
  if (memory != nullptr) unmap_pages(memory, bytes);
  return memory != nullptr;
}

}  // namespace

void require_blas_buffer() {
  thread_local bool known = false;
  if (known) return;
  known = can_map(kBuffer);
  if (known) return;
  throw OpError("plan",
                "not enough memory: a thread needs " + std::to_string(kBuffer) +
                    " bytes of address space for the buffer of the BLAS; see " + kLimitsOfMemory,
                kMemoryCode);
}

}  // namespace chainrule
