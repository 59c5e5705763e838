#include "engine/plan.h"

#include <algorithm>

namespace chainrule {

void Plan::set_context(std::span<const uint32_t> words) {
  context_words_ = words.size();
  std::copy(words.begin(), words.end(), context_.begin());
}

}  // namespace chainrule
