#include "engine/subnormals.h"

#include <stdexcept>
#include <string>

#include "platform/environment.h"

namespace chainrule {
namespace {

#if defined(__x86_64__)
// Of MXCSR: flush to zero for results, and denormals are zero for operands.
constexpr uint64_t kFlush = 0x8040;

uint64_t floating_mode() { return __builtin_ia32_stmxcsr(); }
void set_floating_mode(uint64_t mode) { __builtin_ia32_ldmxcsr(static_cast<uint32_t>(mode)); }
#elif defined(__aarch64__)
// FZ of FPCR, for results and operands.
constexpr uint64_t kFlush = uint64_t{1} << 24;

uint64_t floating_mode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_floating_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr uint64_t kFlush = 0;

uint64_t floating_mode() { return 0; }
void set_floating_mode(uint64_t) {}
#endif

bool choose() {
  const std::string name = environment_variable("CHAINRULE_SUBNORMALS");
  if (name.empty()) return true;
  if (name == "flush" || name == "keep") return name == "flush";
  throw std::runtime_error("CHAINRULE_SUBNORMALS: must be one of flush, keep, got '" + name + "'");
}

}  // namespace

bool flushes_subnormals() {
  static const bool chosen = choose();
  return chosen;
}

SubnormalFlush::SubnormalFlush() : before_(floating_mode()) {
  if (flushes_subnormals()) set_floating_mode(before_ | kFlush);
}

SubnormalFlush::~SubnormalFlush() {
  if (flushes_subnormals()) set_floating_mode(before_);
}

}  // namespace chainrule
