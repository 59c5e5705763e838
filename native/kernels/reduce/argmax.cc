#include <algorithm>
#include <functional>
#include <limits>

#include "kernels/factory.h"
#include "kernels/simd.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The index of the first maximum, or minimum, along the middle of [outer, length, inner]; a NaN
// counts as either.
template <typename T>
class ArgMax final : public Kernel {
 public:
  explicit ArgMax(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        least_(step.boolean("least")) {
    const Dims dims = step.integers("dims");
    require(step, dims.size() == 3, "dims must be [outer, length, inner]");
    outer_ = dims[0], length_ = dims[1], inner_ = dims[2];
    require(step, length_ >= 1 && length_ <= std::numeric_limits<int32_t>::max(),
            "length must be positive and fit in int32");
    require(step, output_.dtype == DType::kInt32, "output must be int32");
    require(step, input_.contiguous() && output_.contiguous(), "operands must be contiguous");
    require(step, input_.elements() == product(dims) && output_.elements() == outer_ * inner_,
            "operands have another size than dims says");
  }

  void run(const Run& run) const override {
    if (least_) {
      find<std::less<>>(run);
    } else {
      find<std::greater<>>(run);
    }
  }

 private:
  template <class Better>
  void find(const Run& run) const {
    const T* values = run.at<const T>(input_);
    int32_t* output = run.at<int32_t>(output_);
    AbortCheck check;
    for (int64_t a = 0; a < outer_; ++a, values += length_ * inner_, output += inner_) {
      if (inner_ == 1) {
        *output = static_cast<int32_t>(first_in_row<Better>(values, check));
        continue;
      }
      for (int64_t b = 0; b < inner_; b += kColumns) {
        first_in_columns<Better>(values + b, std::min(kColumns, inner_ - b), output + b, check);
      }
    }
  }

  // The best value first, which takes vectors, and then its place.
  template <class Better>
  int64_t first_in_row(const T* values, AbortCheck& check) const {
    const T best = best_in_row<Better>(values, check);
    const auto equal = [best](T value) {
      return (value == best) | ((value != value) & (best != best));
    };
    int64_t at = 0;
    for (; at + kBlock < length_; at += kBlock) {
      int hits = 0;
      for (int64_t i = 0; i < kBlock; ++i) hits |= equal(values[at + i]);
      if (hits) break;
      check.after(kBlock);
    }
    while (!equal(values[at])) ++at;
    return at;
  }

  template <class Better>
  T best_in_row(const T* values, AbortCheck& check) const {
    constexpr int kLanes = kVectorBytes / sizeof(T), kVectors = 4;
    using Vector = typename VectorOf<T, kLanes>::type;
    T best = values[0];
    int64_t r = 0;
    if (length_ >= kVectors * kLanes) {
      Vector lanes[kVectors];
      for (auto& vector : lanes) vector = Vector{} + best;
      for (; r + kVectors * kLanes <= length_; r += kVectors * kLanes) {
        for (int v = 0; v < kVectors; ++v) {
          const Vector x = *reinterpret_cast<const Vector*>(values + r + v * kLanes);
          lanes[v] = better<Better>(x, lanes[v]);
        }
        check.after(kVectors * kLanes);
      }
      for (int v = 1; v < kVectors; ++v) lanes[0] = better<Better>(lanes[v], lanes[0]);
      best = best_lane<Better, kLanes>(lanes[0]);
    }
    check.after(length_ - r);
    for (; r < length_; ++r) best = better<Better>(values[r], best);
    return best;
  }

  template <class Better, typename V>
  static V better(const V& value, const V& best) {
    return Better()(value, best) | (value != value) ? value : best;
  }

  template <class Better, int kLanes>
  static T best_lane(const typename VectorOf<T, kLanes>::type& lanes) {
    if constexpr (kLanes == 1) {
      return lanes[0];
    } else {
      using Half = typename VectorOf<T, kLanes / 2>::type;
      const Half* halves = reinterpret_cast<const Half*>(&lanes);
      return best_lane<Better, kLanes / 2>(better<Better>(halves[1], halves[0]));
    }
  }

  template <class Better>
  void first_in_columns(const T* values, int64_t columns, int32_t* at, AbortCheck& check) const {
    T best[kColumns];
    std::copy_n(values, columns, best);
    std::fill_n(at, columns, 0);
    for (int64_t r = 1; r < length_; ++r) {
      values += inner_;
      for (int64_t i = 0; i < columns; ++i) {
        const T value = values[i];
        const bool wins = (Better()(value, best[i]) | (value != value)) & (best[i] == best[i]);
        best[i] = wins ? value : best[i];
        at[i] = wins ? static_cast<int32_t>(r) : at[i];
      }
      check.after(columns);
    }
  }

  static constexpr int64_t kBlock = 32, kColumns = 256;

  Operand input_, output_;
  bool least_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_arg_max(const StepReader& step) {
  return make_numeric<ArgMax>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
