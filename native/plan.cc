#include "plan.h"

#include <algorithm>

namespace chainrule {

void Plan::allocate() {
  if (arena_bytes() > 0) arena_ = allocate_arena(arena_bytes());
  buffers_[0] = arena_.get();
}

void Plan::release() {
  arena_.reset();
  buffers_[0] = nullptr;
}

void Plan::set_context(std::span<const uint32_t> words) {
  context_words_ = words.size();
  std::copy(words.begin(), words.end(), context_.begin());
}

}  // namespace chainrule
