#include "engine/scan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "engine/routine.h"
#include "engine/step_reader.h"

namespace chainrule {
namespace {

constexpr size_t kSeedHigh = 1;

// Gives each step of a loop its own random numbers: for one seed word, different steps give
// different words, and nested loops are told apart (the finaliser of MurmurHash3, which is a
// bijection).
uint32_t seed_word(uint32_t word, int64_t step) {
  uint32_t hash = word ^ static_cast<uint32_t>(step + 1);
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  return hash ^ (hash >> 16);
}

// A binding of the body: at step t it is slot (t + first) % slots of the operand.
struct LoopBinding {
  Operand operand;
  int64_t slots, first, bytes;  // of one slot
};

// Not thread-safe.
class Scan final : public Kernel {
 public:
  explicit Scan(const StepReader& step)
      : body_(step.plan("body"), step.kernels()),
        length_(step.integer("length")),
        reverse_(step.boolean("reverse")),
        workspace_(step.workspace()),
        buffers_(body_.bindings().size() + 1) {
    require(length_ >= 0 && length_ <= std::numeric_limits<int32_t>::max(), "scan",
            "length must be from 0 to 2^31 - 1");
    read_bindings(step);
  }

  // The arena of the body.
  int64_t workspace_bytes() const override { return static_cast<int64_t>(body_.arena_bytes()); }

  void run(const Run& run) const override {
    for_each_step(run, [&](const Run& inner) { body_.run(inner); });
  }

  size_t clocks() const override { return 1 + body_.clocks(); }

  void run_timed(const Run& run, std::span<double> milliseconds) const override {
    const auto timed = [&](const Run& inner) { body_.run_timed(inner, milliseconds.subspan(1)); };
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    for_each_step(run, timed);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    milliseconds.front() += time.count();
  }

 private:
  static constexpr size_t kMaxContext = 16;
  // Of an iteration besides that of its steps.
  static constexpr int64_t kIterationWork = AbortCheck::kInterval / 64;

  template <typename Visit>
  void for_each_step(const Run& run, Visit visit) const {
    if (body_.arena_bytes() > 0) buffers_[0] = run.at<std::byte>(workspace_);
    const size_t words = std::min(run.context.size(), context_.size());
    std::copy_n(run.context.begin(), words, context_.begin());
    const Run inner{buffers_, {context_.data(), words}};
    AbortCheck check;
    for (int64_t i = 0; i < length_; ++i) {
      const int64_t t = reverse_ ? length_ - 1 - i : i;
      for (size_t j = 0; j < bindings_.size(); ++j) {
        const LoopBinding& binding = bindings_[j];
        const int64_t slot = (t + binding.first) % binding.slots;
        buffers_[j + 1] = run.at<std::byte>(binding.operand) + slot * binding.bytes;
      }
      context_[kSeedHigh] = seed_word(run.context[kSeedHigh], t);
      visit(inner);
      check.after(kIterationWork);
    }
  }

  void read_bindings(const StepReader& step) {
    const auto items = step.items("bindings");
    require(items.size() == body_.bindings().size(), "scan",
            "bindings and the body's bindings differ in number");
    for (size_t i = 0; i < items.size(); ++i) {
      LoopBinding binding{items[i].operand("operand"), items[i].integer("slots"),
                          items[i].integer("first"),
                          static_cast<int64_t>(body_.bindings()[i].bytes)};
      const DType dtype = body_.bindings()[i].dtype;
      require(binding.slots >= 1 && binding.slots <= kLargest, "scan", "slots must be positive");
      require(binding.first >= 0, "scan", "first must not be negative");
      require(binding.operand.dtype == dtype, "scan", "a binding and the body's differ in dtype");
      require(binding.operand.contiguous(), "scan", "a binding is not contiguous");
      int64_t bytes = 0;
      require(!__builtin_mul_overflow(binding.slots, binding.bytes, &bytes) &&
                  bytes == binding.operand.elements() * static_cast<int64_t>(size_of(dtype)),
              "scan", "a binding's size is not that of its slots");
      bindings_.push_back(std::move(binding));
    }
  }

  Routine body_;
  int64_t length_;
  bool reverse_;
  std::vector<LoopBinding> bindings_;
  Operand workspace_;
  mutable std::vector<std::byte*> buffers_;
  mutable std::array<uint32_t, kMaxContext> context_{};
};

}  // namespace

std::unique_ptr<Kernel> make_scan(const StepReader& step) { return std::make_unique<Scan>(step); }

}  // namespace chainrule
