#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace chainrule {

// A part of a file in memory, read-only. Its pages come from the page cache, which all threads and
// processes share, and go back to it when memory is short.
class MappedFile {
 public:
  // Throws OpError naming the file when it cannot be opened, is no regular file, or ends before
  // `offset + bytes`.
  MappedFile(const std::string& path, int64_t offset, int64_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

  // Throws OpError when the file has been cut short since: to read past its end would be fatal.
  void require_whole() const;

  // Asks the kernel to read the bytes from `begin` to `end` (not included), without waiting.
  void will_need(int64_t begin, int64_t end) const;

 private:
  // Owns the descriptor, also when the constructor throws.
  struct Descriptor {
    int value;
    ~Descriptor();
  };

  std::string path_;
  int64_t offset_;
  int64_t bytes_;
  Descriptor file_;
  std::byte* start_ = nullptr;  // of the first page
  const std::byte* data_ = nullptr;
};

}  // namespace chainrule
