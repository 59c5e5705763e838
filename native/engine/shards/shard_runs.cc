#include "engine/shards/shard_runs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>

#include "sync/abort.h"
#include "sync/combine.h"
#include "sync/merge_moments.h"

namespace chainrule {
namespace {

using Clock = std::chrono::steady_clock;

// Values of different shards do not share a cache line.
constexpr size_t kLine = 64;
// The longest wait before a look for an abort. Only every 16th look sees that a thread is being
// terminated.
constexpr std::chrono::milliseconds kPatience{3};

size_t bytes_of(const Operand& operand) {
  return static_cast<size_t>(operand.elements()) * size_of(operand.dtype);
}

size_t padded(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

const Kernel::AllReduced& operands_of(const Routine& routine, size_t index) {
  return *routine.step(routine.all_reduces()[index]).all_reduced();
}

template <typename T>
void put_together(bool moments, std::span<const std::byte* const> sources,
                  std::span<const int32_t> program, std::byte* result, size_t elements) {
  std::array<const T*, kMaxSources> values;
  for (size_t i = 0; i < sources.size(); ++i) values[i] = reinterpret_cast<const T*>(sources[i]);
  const std::span<const T* const> given(values.data(), sources.size());
  if (moments) {
    merge_moments<T>(given, program, reinterpret_cast<T*>(result), elements / 2);
  } else {
    combine<T>(given, program, reinterpret_cast<T*>(result), 0, elements);
  }
}

}  // namespace

size_t ShardRuns::exchanged_bytes(const Routine& routine) {
  size_t bytes = 0;
  for (size_t i = 0; i < routine.all_reduces().size(); ++i) {
    bytes += padded(bytes_of(operands_of(routine, i).result));
  }
  return bytes;
}

size_t ShardRuns::shards_of(const Routine& routine) {
  size_t shards = 1;
  for (size_t i = 0; i < routine.all_reduces().size(); ++i) {
    const size_t own = operands_of(routine, i).shards();
    if (i > 0 && own != shards) throw PlanError("all-reduces of different numbers of shards");
    shards = own;
  }
  return shards;
}

bool ShardRuns::agree(const Routine& a, const Routine& b) {
  if (a.all_reduces().size() != b.all_reduces().size()) return false;
  for (size_t i = 0; i < a.all_reduces().size(); ++i) {
    const Operand &x = operands_of(a, i).result, &y = operands_of(b, i).result;
    if (x.dtype != y.dtype || x.elements() != y.elements() ||
        operands_of(a, i).moments != operands_of(b, i).moments)
      return false;
  }
  return true;
}

void ShardRuns::run(std::span<Member> members) {
  const size_t count = members[0].routine->all_reduces().size();
  for (size_t index = 0; index < count; ++index) {
    run_part(members, index);
    const Clock::time_point start = Clock::now();
    reduce(members, index);
    const std::chrono::duration<double, std::milli> time = Clock::now() - start;
    for (Member& member : members) {
      if (member.milliseconds.data() == nullptr) continue;
      member.milliseconds[0] += time.count() / static_cast<double>(members.size());
      member.milliseconds = member.milliseconds.subspan(1);
    }
  }
  run_part(members, count);
}

// The steps of each member before an all-reduce, from the one before it on.
void ShardRuns::run_part(std::span<Member> members, size_t index) const {
  for (Member& member : members) {
    const Routine& routine = *member.routine;
    const std::span<const size_t> stops = routine.all_reduces();
    const size_t first = index == 0 ? 0 : stops[index - 1] + 1;
    const size_t end = index < stops.size() ? stops[index] : routine.steps();
    if (member.milliseconds.data() == nullptr) {
      routine.run_part(member.run, first, end, member.results, member.most);
    } else {
      member.milliseconds = routine.run_part_timed(member.run, first, end, member.milliseconds);
    }
  }
}

void ShardRuns::reduce(std::span<Member> members, size_t index) {
  const Kernel::AllReduced& reduced = operands_of(*members[0].routine, index);
  const Operand& result = reduced.result;
  const size_t bytes = bytes_of(result);
  std::array<const std::byte*, kMaxSources> sources;
  size_t shards = 0;
  for (const int32_t word : exchange_.program) {
    shards = word == kAdd ? shards : std::max(shards, static_cast<size_t>(word) + 1);
  }
  for (size_t i = 0; i < shards; ++i) {
    sources[i] = exchange_.memory + i * exchange_.stride + offset_;
  }
  for (const Member& member : members) {
    const Kernel::AllReduced& own = operands_of(*member.routine, index);
    const std::byte* const from = member.run.at<const std::byte>(own.value);
    for (size_t i = 0; i < own.shards(); ++i) {
      std::byte* to = exchange_.memory + (member.shard + i) * exchange_.stride + offset_;
      std::memcpy(to, from + i * bytes, bytes);
    }
  }
  meet();
  std::byte* const first = members[0].run.at<std::byte>(result);
  const auto elements = static_cast<size_t>(result.elements());
  if (result.dtype == DType::kFloat32) {
    put_together<float>(reduced.moments, {sources.data(), shards}, exchange_.program, first,
                        elements);
  } else {
    put_together<double>(reduced.moments, {sources.data(), shards}, exchange_.program, first,
                         elements);
  }
  for (const Member& member : members.subspan(1)) {
    std::memcpy(member.run.at<std::byte>(operands_of(*member.routine, index).result), first, bytes);
  }
  offset_ += padded(bytes);
}

void ShardRuns::meet() const {
  const auto& [barrier, parties, waiting] = meeting_;
  if (parties == 1) return;
  std::atomic_ref(*waiting).store(1);
  const int32_t ticket = barrier.arrive(parties);
  for (;;) {
    const Barrier::Outcome outcome = barrier.wait(ticket, parties, kPatience);
    if (outcome == Barrier::kPassed) break;
    if (outcome == Barrier::kAborted) throw Aborted();
    look_for_abort();
  }
  std::atomic_ref(*waiting).store(0);
}

}  // namespace chainrule
