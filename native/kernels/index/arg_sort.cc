#include <algorithm>
#include <limits>

#include "kernels/factory.h"
#include "kernels/scratch.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The indices that sort the middle of [outer, length, inner], of which the first `count` are kept.
// Equal elements keep their order, and NaN counts as the largest.
template <typename T>
class ArgSort final : public Kernel {
 public:
  explicit ArgSort(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        descending_(step.boolean("descending")),
        count_(step.integer("count")) {
    const Dims dims = step.integers("dims");
    require(step, dims.size() == 3, "dims must be [outer, length, inner]");
    outer_ = dims[0], length_ = dims[1], inner_ = dims[2];
    require(step, length_ >= 0 && length_ <= std::numeric_limits<int32_t>::max(),
            "length must fit in int32");
    require(step, count_ >= 0 && count_ <= length_, "count must be from 0 to length");
    require(step, output_.dtype == DType::kInt32, "output must be int32");
    require(step, input_.contiguous() && output_.contiguous(), "operands must be contiguous");
    require(step,
            input_.elements() == product(dims) && output_.elements() == outer_ * count_ * inner_,
            "operands have another size than dims says");
    // An empty operand may claim any length.
    if (output_.elements() > 0) items_ = Scratch<Item>(length_);
  }

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    const T* input = run.at<const T>(input_);
    int32_t* output = run.at<int32_t>(output_);
    for (int64_t a = 0; a < outer_; ++a) {
      for (int64_t b = 0; b < inner_; ++b) {
        read(input + a * length_ * inner_ + b);
        if (descending_) {
          sort([](const T& x, const T& y) { return above(x, y); });
        } else {
          sort([](const T& x, const T& y) { return above(y, x); });
        }
        int32_t* to = output + a * count_ * inner_ + b;
        for (int64_t r = 0; r < count_; ++r) to[r * inner_] = items_.data()[r].index;
      }
    }
  }

 private:
  struct Item {
    T value;
    int32_t index;
  };

  static bool above(const T& x, const T& y) { return x > y || (x != x && y == y); }

  void read(const T* values) const {
    Item* items = items_.data();
    for (int64_t r = 0; r < length_; ++r) items[r] = {values[r * inner_], static_cast<int32_t>(r)};
  }

  // The index breaks ties, so that no algorithm needs to be stable.
  template <class Before>
  void sort(Before before) const {
    const auto order = [before](const Item& x, const Item& y) {
      if (before(x.value, y.value)) return true;
      return !before(y.value, x.value) && x.index < y.index;
    };
    Item* items = items_.data();
    if (count_ == length_) {
      std::sort(items, items + length_, order);
    } else {
      std::partial_sort(items, items + count_, items + length_, order);
    }
  }

  Operand input_, output_;
  bool descending_;
  int64_t count_, outer_ = 0, length_ = 0, inner_ = 0;
  Scratch<Item> items_;
};

}  // namespace

std::unique_ptr<Kernel> make_arg_sort(const StepReader& step) {
  return make_numeric<ArgSort>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
