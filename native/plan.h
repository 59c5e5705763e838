#pragma once

#include <array>
#include <span>

#include "arena.h"
#include "kernel.h"
#include "plain_value.h"
#include "step_reader.h"

namespace chainrule {

// A plan, decoded: kernels over one arena and the buffers that each run binds.
class Plan {
 public:
  struct Binding {
    DType dtype;
    size_t bytes;
  };

  static constexpr size_t kMinContext = 4, kMaxContext = 16;

  // Throws PlanError unless every step of the description fits the kernel, the arena and the
  // bindings.
  Plan(const PlainValue& description, std::span<const KernelEntry> kernels);

  std::span<const Binding> bindings() const { return bindings_; }
  size_t arena_bytes() const { return arena_bytes_; }
  bool has_arena() const { return arena_ != nullptr; }
  void allocate();
  void release();

  // The memory of a binding, from here on; it has to have the binding's size and the alignment of
  // its elements.
  void bind(size_t index, std::byte* memory) { buffers_[index + 1] = memory; }
  void set_context(std::span<const uint32_t> words);

  // Runs all steps. Needs the arena; touches no heap.
  void run() const;

 private:
  void read_bindings(const PlainValue::List& bindings);
  void read_steps(const PlainValue::List& steps, std::span<const KernelEntry> kernels);

  size_t arena_bytes_;
  std::vector<Binding> bindings_;
  std::vector<std::unique_ptr<Kernel>> steps_;
  Arena arena_;
  std::vector<std::byte*> buffers_;  // the arena, then the bindings
  std::array<uint32_t, kMaxContext> context_{};
  size_t context_words_ = kMinContext;
};

}  // namespace chainrule
