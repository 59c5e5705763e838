#include "data/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/op_error.h"

namespace chainrule {
namespace {

int64_t page_bytes() { return sysconf(_SC_PAGESIZE); }

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw OpError(path, what);
}

std::string last_error() { return std::generic_category().message(errno); }

int64_t size_of_file(const std::string& path, int file) {
  struct stat status {};
  if (fstat(file, &status) != 0) fail(path, "cannot be looked at: " + last_error());
  if (!S_ISREG(status.st_mode)) fail(path, "must be a regular file to be mapped");
  return status.st_size;
}

}  // namespace

MappedFile::Descriptor::~Descriptor() {
  if (value >= 0) close(value);
}

MappedFile::MappedFile(const std::string& path, int64_t offset, int64_t bytes)
    : path_(path),
      offset_(offset),
      bytes_(bytes),
      // To open a FIFO would wait for its writer.
      file_{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
  if (file_.value < 0) fail(path, "cannot be opened: " + last_error());
  require_whole();
  const int64_t first_page = offset - offset % page_bytes();
  void* start =
      mmap(nullptr, bytes + offset - first_page, PROT_READ, MAP_SHARED, file_.value, first_page);
  if (start == MAP_FAILED) fail(path, "cannot be mapped: " + last_error());
  start_ = static_cast<std::byte*>(start);
  data_ = start_ + (offset - first_page);
  // Rows are read in any order, and the next ones are requested explicitly: the read-around that
  // the kernel does by default would fill the memory with unwanted pages.
  madvise(start, data_ + bytes_ - start_, MADV_RANDOM);
}

MappedFile::~MappedFile() {
  if (start_ != nullptr) munmap(start_, data_ + bytes_ - start_);
}

void MappedFile::require_whole() const {
  const int64_t size = size_of_file(path_, file_.value);
  if (size - offset_ >= bytes_) return;
  fail(path_, "the file is cut short: " + std::to_string(bytes_) + " bytes are needed from byte " +
                  std::to_string(offset_) + " on, but it has " + std::to_string(size));
}

void MappedFile::will_need(int64_t begin, int64_t end) const {
  if (begin >= end) return;
  const int64_t page = page_bytes();
  const int64_t skipped = (data_ - start_ + begin) / page * page;
  madvise(start_ + skipped, data_ - start_ + end - skipped, MADV_WILLNEED);
}

}  // namespace chainrule
