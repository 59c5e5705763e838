#include "napi/rows/gather_rows.h"

#include <algorithm>

#include "data/copy_rows.h"
#include "napi/environment/environment.h"
#include "napi/rows/row_source.h"

namespace chainrule {

void gather_rows(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "gatherRows");
  const ArrayView destination = arguments.typed_array(0, "destination");
  const RowSource source = row_source(arguments, info[1], "source");
  if (source.type != destination.type) {
    arguments.fail("source", type_name(destination.type), info[1]);
  }
  const ArrayView indices = arguments.typed_array(2, "indices", napi_int32_array, 0);
  const auto index_count = static_cast<int64_t>(indices.length);
  const auto room = static_cast<int64_t>(destination.length);
  const int64_t start = arguments.integer(3, "start", 0, index_count);
  const int64_t row = arguments.integer(5, "rowElements", 1, std::max<int64_t>(room, 1));
  const int64_t count = arguments.integer(4, "count", 0, std::min(index_count - start, room / row));
  const auto wanted = indices.as<const int32_t>().subspan(start, count);
  const size_t row_bytes = row * source.element_size;
  const AbortScope scope(&Environment::of(info.Env()).abort.begin());
  if (source.file != nullptr) return source.file->copy_rows(destination.data, wanted, row_bytes);
  copy_rows(destination.data, source.data, wanted, source.length / row, row_bytes);
}

}  // namespace chainrule
