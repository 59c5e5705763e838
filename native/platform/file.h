#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace chainrule {

// What the system refused; its text is the system's.
class SystemError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file that is open for reading. Functions throw SystemError.
class File {
 public:
  struct State {
    bool regular;
    int64_t size;
    // Which file it is, its size, and the time of its last change.
    std::string stamp;
  };

  // Opens the file at a path in UTF-8; to open a FIFO does not wait for its writer.
  explicit File(const std::string& path);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  State state() const;

  // Reads up to `bytes` bytes at an offset. Returns how many there were: 0 at the end of the file.
  int64_t read(std::byte* destination, int64_t bytes, int64_t offset) const;

  // Tells the system that parts are read in any order, and that the next ones are requested: what
  // it reads ahead by default would fill the memory with unwanted pages.
  void expect_any_order() const;

  // Asks the system to read a part, without waiting.
  void will_need(int64_t offset, int64_t bytes) const;

 private:
  // The system's descriptor or handle.
  intptr_t handle_;
};

// Takes the exclusive lock of an open file by Node's number of it, without waiting. Returns 0, or
// the error by its number in Node's os.constants.errno: EWOULDBLOCK if another open file has the
// lock. The system releases it when the file is closed, also by the death of the process.
int lock_descriptor(int descriptor);

}  // namespace chainrule
