#include "data/row_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "data/copy_rows.h"
#include "engine/op_error.h"

namespace chainrule {
namespace {

// The most that is read at once: an abort is looked for in between.
constexpr int64_t kMostAtOnce = 1 << 20;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw OpError(path, what);
}

std::string last_error() { return std::generic_category().message(errno); }

struct stat state_of(const std::string& path, int file) {
  struct stat state {};
  if (fstat(file, &state) != 0) fail(path, "cannot be looked at: " + last_error());
  return state;
}

std::string stamp_of(const struct stat& state) {
#ifdef __APPLE__
  const timespec& changed = state.st_mtimespec;
#else
  const timespec& changed = state.st_mtim;
#endif
  std::string stamp;
  for (const auto number :
       {static_cast<int64_t>(state.st_dev), static_cast<int64_t>(state.st_ino),
        static_cast<int64_t>(state.st_size), static_cast<int64_t>(changed.tv_sec),
        static_cast<int64_t>(changed.tv_nsec)}) {
    if (!stamp.empty()) stamp += '/';
    stamp += std::to_string(number);
  }
  return stamp;
}

[[noreturn]] void fail_short(const std::string& path, int64_t bytes, int64_t offset, int64_t size,
                             const std::string& what) {
  fail(path, "the file is cut short: " + what + std::to_string(bytes) +
                 " bytes are needed from byte " + std::to_string(offset) + " on, but it has " +
                 std::to_string(size));
}

}  // namespace

RowFile::Descriptor::~Descriptor() {
  if (value >= 0) close(value);
}

RowFile::RowFile(const std::string& path, int64_t offset, int64_t bytes, const std::string& stamp)
    : path_(path),
      offset_(offset),
      bytes_(bytes),
      // To open a FIFO would wait for its writer.
      file_{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
  if (file_.value < 0) fail(path, "cannot be opened: " + last_error());
  const struct stat state = state_of(path, file_.value);
  if (!S_ISREG(state.st_mode)) fail(path, "must be a regular file to be mapped");
  if (state.st_size - offset < bytes) fail_short(path, bytes, offset, state.st_size, "");
  stamp_ = stamp.empty() ? stamp_of(state) : stamp;
  require_unchanged();
#ifdef POSIX_FADV_RANDOM
  // Rows are read in any order, and the next ones are requested explicitly: what the kernel reads
  // ahead by default would fill the memory with unwanted pages.
  posix_fadvise(file_.value, 0, 0, POSIX_FADV_RANDOM);
#endif
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
    const auto at = offset_ + first_row * width + done;
    const ssize_t got =
        pread(file_.value, destination + done, std::min(bytes - done, kMostAtOnce), at);
    if (got > 0) {
      done += got;
      check.after(got);
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    const std::string problem = got < 0 ? last_error() : "";
    const int64_t row = first_row + done / width;
    const std::string name = "row " + std::to_string(row);
    if (got < 0) fail(path_, name + " cannot be read: " + problem);
    const int64_t size = state_of(path_, file_.value).st_size;
    fail_short(path_, width, offset_ + row * width, size, "for " + name + ", ");
  }
}

void RowFile::require_unchanged() const {
  const struct stat state = state_of(path_, file_.value);
  if (stamp_of(state) == stamp_) return;
  if (state.st_size - offset_ < bytes_) fail_short(path_, bytes_, offset_, state.st_size, "");
  fail(path_,
       "the file has changed since it was opened, or another one has taken its place; it has " +
           std::to_string(state.st_size) + " bytes");
}

void RowFile::will_need(int64_t begin, int64_t end, size_t row_bytes) const {
#ifdef POSIX_FADV_WILLNEED
  const auto width = static_cast<int64_t>(row_bytes);
  posix_fadvise(file_.value, offset_ + begin * width, (end - begin) * width, POSIX_FADV_WILLNEED);
#else
  static_cast<void>(begin), static_cast<void>(end), static_cast<void>(row_bytes);
#endif
}

}  // namespace chainrule
