#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/factory.h"
#include "kernels/transpose_block.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

struct Axis {
  int64_t size, in, out;  // elements, and the step of each side
};

// Joins adjacent axes that both sides walk as one, so that most copies end up with one or two axes.
std::vector<Axis> joined_axes(const Operand& input, const Operand& output) {
  std::vector<Axis> axes;
  for (int64_t i = 0; i < output.rank(); ++i) {
    const Axis axis{output.shape[i], input.strides[i], output.strides[i]};
    if (axis.size == 1) continue;
    if (!axes.empty() && axes.back().in == axis.in * axis.size &&
        axes.back().out == axis.out * axis.size) {
      axes.back() = {axes.back().size * axis.size, axis.in, axis.out};
    } else {
      axes.push_back(axis);
    }
  }
  return axes;
}

// Brings the axis with the finest output step last and the finest input step before it: a transpose
// then becomes a plane with one unit step on each side.
std::vector<Axis> walk_order(std::vector<Axis> axes) {
  std::stable_sort(axes.begin(), axes.end(),
                   [](const Axis& a, const Axis& b) { return std::abs(a.out) > std::abs(b.out); });
  while (axes.size() < 2) axes.insert(axes.begin(), {1, 0, 0});
  auto finest = std::min_element(axes.begin(), axes.end() - 1, [](const Axis& a, const Axis& b) {
    return std::abs(a.in) < std::abs(b.in);
  });
  std::rotate(finest, finest + 1, axes.end() - 1);
  return axes;
}

template <typename T>
class Copy final : public Kernel {
 public:
  Copy(Operand input, Operand output)
      : input_(std::move(input)),
        output_(std::move(output)),
        axes_(walk_order(joined_axes(input_, output_))) {}

  void run(const Run& run) const override {
    if (output_.elements() == 0) return;
    AbortCheck check;
    copy_axis(0, run.at<const T>(input_), run.at<T>(output_), check);
  }

 private:
  static constexpr int64_t kTile = 16, kCopyWork = 4;

  void copy_axis(size_t depth, const T* input, T* output, AbortCheck& check) const {
    if (depth + 2 == axes_.size()) return copy_plane(input, output, check);
    const Axis& axis = axes_[depth];
    for (int64_t i = 0; i < axis.size; ++i) {
      copy_axis(depth + 1, input + i * axis.in, output + i * axis.out, check);
    }
  }

  void copy_plane(const T* input, T* output, AbortCheck& check) const {
    const Axis& rows = axes_[axes_.size() - 2];
    const Axis& columns = axes_.back();
    if (columns.in == 1 && columns.out == 1) {
      for (int64_t r = 0; r < rows.size; ++r) {
        for (int64_t c = 0; c < columns.size; c += AbortCheck::kInterval) {
          const int64_t n = std::min(AbortCheck::kInterval, columns.size - c);
          std::memcpy(output + r * rows.out + c, input + r * rows.in + c, n * sizeof(T));
          check.after(kCopyWork + n);
        }
      }
      return;
    }
    for (int64_t r = 0; r < rows.size; r += kTile) {
      for (int64_t c = 0; c < columns.size; c += kTile) {
        copy_tile(input + r * rows.in + c * columns.in, output + r * rows.out + c * columns.out,
                  std::min(kTile, rows.size - r), std::min(kTile, columns.size - c));
        check.after(kTile * kTile);
      }
    }
  }

  // Square tiles keep the cache lines of the strided side until all of their elements are used.
  void copy_tile(const T* input, T* output, int64_t row_count, int64_t column_count) const {
    const Axis rows = axes_[axes_.size() - 2], columns = axes_.back();
    if (rows.in == 1 && columns.out == 1 && row_count == kTile && column_count == kTile) {
      return transpose_tile(input, columns.in, output, rows.out);
    }
    for (int64_t r = 0; r < row_count; ++r) {
      for (int64_t c = 0; c < column_count; ++c) {
        output[r * rows.out + c * columns.out] = input[r * rows.in + c * columns.in];
      }
    }
  }

  // In vectors, as lines that are multiples of a page apart share so few sets of a cache that they
  // do not stay there for all of their elements.
  static void transpose_tile(const T* input, int64_t in_step, T* output, int64_t out_step) {
    constexpr int kLanes = std::min<int>(kTile, kVectorBytes / sizeof(T));
    for (int64_t r = 0; r < kTile; r += kLanes) {
      for (int64_t c = 0; c < kTile; c += kLanes) {
        typename VectorOf<T, kLanes>::type block[kLanes];
        load_transposed<T, kLanes>(input + c * in_step + r, in_step, kLanes, block);
        T* to = output + r * out_step + c;
        for (int i = 0; i < kLanes; ++i, to += out_step)
          std::memcpy(to, &block[i], sizeof(block[i]));
      }
    }
  }

  Operand input_, output_;
  std::vector<Axis> axes_;
};

template <typename T>
class Fill final : public Kernel {
 public:
  Fill(Operand output, T value) : output_(std::move(output)), value_(value) {}

  void run(const Run& run) const override {
    T* output = run.at<T>(output_);
    in_blocks(output_.elements(),
              [&](int64_t first, int64_t n) { std::fill_n(output + first, n, value_); });
  }

 private:
  Operand output_;
  T value_;
};

}  // namespace

std::unique_ptr<Kernel> make_copy(const StepReader& step) {
  Operand input = step.operand("input"), output = step.operand("output");
  require(step, input.dtype == output.dtype, "input and output differ in dtype");
  require(step, input.shape == output.shape, "input and output differ in shape");
  switch (size_of(output.dtype)) {
    case 8:
      return std::make_unique<Copy<uint64_t>>(std::move(input), std::move(output));
    case 4:
      return std::make_unique<Copy<uint32_t>>(std::move(input), std::move(output));
    default:
      return std::make_unique<Copy<uint8_t>>(std::move(input), std::move(output));
  }
}

std::unique_ptr<Kernel> make_fill(const StepReader& step) {
  Operand output = step.operand("output");
  const double value = step.number("value");
  require(step, output.contiguous(), "output must be contiguous");
  switch (output.dtype) {
    case DType::kFloat64:
      return std::make_unique<Fill<double>>(std::move(output), value);
    case DType::kFloat32:
      return std::make_unique<Fill<float>>(std::move(output), static_cast<float>(value));
    case DType::kInt32:
      return std::make_unique<Fill<int32_t>>(std::move(output), static_cast<int32_t>(value));
    case DType::kBool:
      return std::make_unique<Fill<uint8_t>>(std::move(output), value != 0);
    default:
      return std::make_unique<Fill<uint8_t>>(std::move(output), static_cast<uint8_t>(value));
  }
}

}  // namespace chainrule::CHAINRULE_ISA
