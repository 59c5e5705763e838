#pragma once

#include <cstdint>

namespace chainrule {

// True if plans take subnormal numbers for zero, as they do unless CHAINRULE_SUBNORMALS is "keep".
// Throws if it is neither that nor "flush". The choice holds for the whole process, so that all
// threads compute the same bits.
bool flushes_subnormals();

// Makes the calling thread take subnormal numbers for zero, as operands and as results, while this
// lives, if the process does so at all. Arithmetic on them takes a hundred times as long on many
// processors. The mode is put back at the end, because JavaScript on this thread needs the numbers.
class SubnormalFlush {
 public:
  SubnormalFlush();
  SubnormalFlush(const SubnormalFlush&) = delete;
  SubnormalFlush& operator=(const SubnormalFlush&) = delete;
  ~SubnormalFlush();

 private:
  uint64_t before_;
};

}  // namespace chainrule
