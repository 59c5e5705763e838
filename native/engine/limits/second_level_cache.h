#pragma once

#include <cstdint>

namespace chainrule {

// Bytes of a core's second-level cache, or 0 if they are unknown. CHAINRULE_L2_CACHE names another
// number; throws if that is not a positive one. For sizes of blocks only: nothing that changes the
// bits of a result may follow from it.
int64_t second_level_cache();

}  // namespace chainrule
