#include "engine/scratch_meter.h"

namespace chainrule {
namespace {

thread_local size_t allocated = 0;

}  // namespace

ScratchMeter::ScratchMeter() : before_(allocated) {}

size_t ScratchMeter::bytes() const { return allocated - before_; }

void ScratchMeter::add(size_t bytes) { allocated += bytes; }

}  // namespace chainrule
