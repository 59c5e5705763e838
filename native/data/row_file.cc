#include "data/row_file.h"

#include <algorithm>

#include "data/copy_rows.h"
#include "engine/op_error.h"

namespace chainrule {
namespace {

// The most that is read at once: an abort is looked for in between.
constexpr int64_t kMostAtOnce = 1 << 20;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw OpError(path, what);
}

File opened(const std::string& path) try { return File(path); } catch (const SystemError& error) {
  fail(path, std::string("cannot be opened: ") + error.what());
}

File::State state_of(const std::string& path, const File& file) try {
  return file.state();
} catch (const SystemError& error) {
  fail(path, std::string("cannot be looked at: ") + error.what());
}

[[noreturn]] void fail_short(const std::string& path, int64_t bytes, int64_t offset, int64_t size,
                             const std::string& what) {
  fail(path, "the file is cut short: " + what + std::to_string(bytes) +
                 " bytes are needed from byte " + std::to_string(offset) + " on, but it has " +
                 std::to_string(size));
}

}  // namespace

RowFile::RowFile(const std::string& path, int64_t offset, int64_t bytes, const std::string& stamp)
    : path_(path), offset_(offset), bytes_(bytes), file_(opened(path)) {
  const File::State state = state_of(path, file_);
  if (!state.regular) fail(path, "must be a regular file to be mapped");
  if (state.size - offset < bytes) fail_short(path, bytes, offset, state.size, "");
  stamp_ = stamp.empty() ? state.stamp : stamp;
  require_unchanged();
  file_.expect_any_order();
}

void RowFile::copy_rows(std::byte* destination, std::span<const int32_t> indices,
                        size_t row_bytes) const {
  const int64_t rows = bytes_ / static_cast<int64_t>(row_bytes);
  AbortCheck check;
  // Adjacent rows are read together.
  for (size_t i = 0; i < indices.size();) {
    const size_t first = i;
    do {
      require_index(indices, i, rows);
      ++i;
    } while (i < indices.size() && indices[i] == indices[i - 1] + 1);
    read(destination + first * row_bytes, indices[first], static_cast<int64_t>(i - first),
         row_bytes, check);
  }
  require_unchanged();
}

const std::byte* RowFile::row(int64_t index, size_t row_bytes) {
  if (row_.size() < row_bytes) row_.resize(row_bytes);
  AbortCheck check;
  read(row_.data(), index, 1, row_bytes, check);
  return row_.data();
}

void RowFile::read(std::byte* destination, int64_t first_row, int64_t rows, size_t row_bytes,
                   AbortCheck& check) const {
  const auto width = static_cast<int64_t>(row_bytes);
  const int64_t bytes = rows * width;
  for (int64_t done = 0; done < bytes;) {
    const int64_t row = first_row + done / width;
    const auto name = [&] { return "row " + std::to_string(row); };
    int64_t got = 0;
    try {
      got = file_.read(destination + done, std::min(bytes - done, kMostAtOnce),
                       offset_ + first_row * width + done);
    } catch (const SystemError& error) {
      fail(path_, name() + " cannot be read: " + error.what());
    }
    if (got == 0) {
      const int64_t size = state_of(path_, file_).size;
      fail_short(path_, width, offset_ + row * width, size, "for " + name() + ", ");
    }
    done += got;
    check.after(got);
  }
}

void RowFile::require_unchanged() const {
  const File::State state = state_of(path_, file_);
  if (state.stamp == stamp_) return;
  if (state.size - offset_ < bytes_) fail_short(path_, bytes_, offset_, state.size, "");
  fail(path_,
       "the file has changed since it was opened, or another one has taken its place; it has " +
           std::to_string(state.size) + " bytes");
}

void RowFile::will_need(int64_t begin, int64_t end, size_t row_bytes) const {
  const auto width = static_cast<int64_t>(row_bytes);
  file_.will_need(offset_ + begin * width, (end - begin) * width);
}

}  // namespace chainrule
