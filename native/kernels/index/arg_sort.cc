#include <algorithm>
#include <limits>

#include "kernels/factory.h"
#include "sync/abort.h"

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
        count_(step.integer("count")),
        workspace_(step.workspace()) {
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
  }

  // An empty operand may claim any length.
  int64_t workspace_bytes() const override {
    return output_.elements() > 0 ? bytes_of<Item>(length_) : 0;
  }

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    const T* input = run.at<const T>(input_);
    int32_t* output = run.at<int32_t>(output_);
    Item* items = run.at<Item>(workspace_);
    AbortCheck check;
    for (int64_t a = 0; a < outer_; ++a) {
      for (int64_t b = 0; b < inner_; ++b) {
        read(input + a * length_ * inner_ + b, items);
        if (descending_) {
          sort(items, [](const T& x, const T& y) { return above(x, y); });
        } else {
          sort(items, [](const T& x, const T& y) { return above(y, x); });
        }
        int32_t* to = output + a * count_ * inner_ + b;
        for (int64_t r = 0; r < count_; ++r) to[r * inner_] = items[r].index;
        check.after(kItemWork * length_);
      }
    }
  }

 private:
  // Comparisons look for aborts where a sort takes longer than about 50 ms.
  static constexpr int64_t kLong = 1 << 19, kItemWork = 16;

  struct Item {
    T value;
    int32_t index;
  };

  static bool above(const T& x, const T& y) { return x > y || (x != x && y == y); }

  void read(const T* values, Item* items) const {
    in_blocks(length_, [&](int64_t first, int64_t count) {
      for (int64_t r = first; r < first + count; ++r) {
        items[r] = {values[r * inner_], static_cast<int32_t>(r)};
      }
    });
  }

  // The index breaks ties, so that no algorithm needs to be stable.
  template <class Before>
  void sort(Item* items, Before before) const {
    const auto order = [before](const Item& x, const Item& y) {
      if (before(x.value, y.value)) return true;
      return !before(y.value, x.value) && x.index < y.index;
    };
    if (length_ < kLong) return sort_by(items, order);
    AbortCheck check;
    sort_by(items, [order, &check](const Item& x, const Item& y) {
      check.after(1);
      return order(x, y);
    });
  }

  template <class Order>
  void sort_by(Item* items, Order order) const {
    if (count_ == length_) {
      std::sort(items, items + length_, order);
    } else {
      std::partial_sort(items, items + count_, items + length_, order);
    }
  }

  Operand input_, output_;
  bool descending_;
  int64_t count_, outer_ = 0, length_ = 0, inner_ = 0;
  Operand workspace_;
};

}  // namespace

std::unique_ptr<Kernel> make_arg_sort(const StepReader& step) {
  return make_numeric<ArgSort>(step.operand("input").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
