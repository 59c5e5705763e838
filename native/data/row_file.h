#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/file.h"
#include "sync/abort.h"

namespace chainrule {

// Rows in a part of a file, which are read when they are needed, through the page cache that all
// threads and processes share. They are not mapped into memory: to touch a page of a mapping beyond
// the end of a file that was cut short ends the process, and a library can prevent that only by a
// signal handler for the whole process.
class RowFile {
 public:
  // Throws OpError naming the file when it cannot be opened, is no regular file, ends before
  // `offset + bytes`, or is not in the state that `stamp` tells of; an empty stamp takes any.
  RowFile(const std::string& path, int64_t offset, int64_t bytes, const std::string& stamp);
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  int64_t bytes() const { return bytes_; }

  // The file and its state when it was opened, as File::State has it.
  const std::string& stamp() const { return stamp_; }

  // Reads row indices[i] to place i of the destination; a row is row_bytes long. Throws OpError
  // naming the file, at an index out of range, at a row that is not there any more or cannot be
  // read, and if the file was changed since it was opened.
  void copy_rows(std::byte* destination, std::span<const int32_t> indices, size_t row_bytes) const;

  // Reads one row into memory that is kept until the next call. A caller asks for
  // `require_unchanged` when it has read all of its rows.
  const std::byte* row(int64_t index, size_t row_bytes);

  // Throws OpError if the file was changed since it was opened.
  void require_unchanged() const;

  // Asks the system to read the rows from `begin` to `end` (not included), without waiting.
  void will_need(int64_t begin, int64_t end, size_t row_bytes) const;

 private:
  void read(std::byte* destination, int64_t first_row, int64_t rows, size_t row_bytes,
            AbortCheck& check) const;

  std::string path_;
  int64_t offset_;
  int64_t bytes_;
  File file_;
  std::string stamp_;
  std::vector<std::byte> row_;
};

}  // namespace chainrule
