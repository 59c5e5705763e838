#include "napi/mark.h"

#include <atomic>
#include <limits>

#include "napi/environment/environment.h"

namespace chainrule {

Mark::Mark(const Arguments& arguments, size_t first) {
  if (!arguments.has(first)) return;
  const ArrayView words = arguments.typed_array(first, "marks", napi_int32_array, 1);
  const auto last = static_cast<int64_t>(words.length) - 1;
  const int64_t index = arguments.integer(first + 1, "markIndex", 0, last);
  constexpr int64_t kHighest = std::numeric_limits<int32_t>::max();
  value_ = static_cast<int32_t>(arguments.integer(first + 2, "markValue", 0, kHighest));
  word_ = words.as<int32_t>().data() + index;
}

Abort* Mark::abort(Napi::Env env) const {
  return word_ == nullptr ? &Environment::of(env).abort.begin() : nullptr;
}

void Mark::set() const {
  if (word_ != nullptr) std::atomic_ref(*word_).store(value_, std::memory_order_release);
}

}  // namespace chainrule
