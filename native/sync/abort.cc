#include "sync/abort.h"

namespace chainrule {
namespace {

thread_local Abort* current = nullptr;

}  // namespace

AbortScope::AbortScope(Abort* abort) : before_(current) {
  if (abort != nullptr && abort->aborted()) throw Aborted();
  current = abort;
}

AbortScope::~AbortScope() { current = before_; }

void look_for_abort() {
  if (current != nullptr && current->aborted()) throw Aborted();
}

}  // namespace chainrule
