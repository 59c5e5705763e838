#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/routine.h"
#include "sync/barrier.h"

namespace chainrule {

// One thread's runs of the shards of a batch. In the steps that put a value of all shards together,
// each run waits until all others have come as far, those of other threads too: an all-reduce.
class ShardRuns {
 public:
  // A run of a shard, or of several neighbouring ones. All shards have the same all-reduces.
  struct Member {
    const Routine* routine;
    Run run;
    std::span<const Routine::Result> results;
    size_t shard;                    // the first one
    std::span<double> milliseconds;  // a clock for each step that is left, or none
    double most = 0;                 // an upper bound of the magnitudes of the results
  };

  // Memory that all threads share, where each shard has `stride` bytes for its values, and the
  // order in which these are added: a postfix program over the shards.
  struct Exchange {
    std::byte* memory;
    size_t stride;
    std::span<const int32_t> program;
  };

  // The threads that meet, and a word that is 1 while this one waits for the others.
  struct Meeting {
    Barrier barrier;
    int32_t parties;
    int32_t* waiting;
  };

  // Bytes that the values of a shard take in the exchange.
  static size_t exchanged_bytes(const Routine& routine);

  // The number of shards of which a run has the values; 1 without any. Throws PlanError if it is
  // not the same in all its all-reduces.
  static size_t shards_of(const Routine& routine);

  // True if the runs of both stop for the same values.
  static bool agree(const Routine& a, const Routine& b);

  ShardRuns(const Exchange& exchange, const Meeting& meeting)
      : exchange_(exchange), meeting_(meeting) {}

  // Runs all steps of each member. Throws Aborted if the others can no longer come.
  void run(std::span<Member> members);

 private:
  void run_part(std::span<Member> members, size_t index) const;
  void reduce(std::span<Member> members, size_t index);
  void meet() const;

  Exchange exchange_;
  Meeting meeting_;
  size_t offset_ = 0;
};

}  // namespace chainrule
