#include "kernels/pool/pool_window.h"
#include "kernels/simd.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <typename T>
bool beats(T candidate, T best) {
  return (candidate > best) | (candidate != candidate);
}

template <typename T>
void take_maximum(const T* __restrict x, T* __restrict best, int64_t channels) {
  for (int64_t c = 0; c < channels; ++c) best[c] = beats(x[c], best[c]) ? x[c] : best[c];
}

template <typename T>
class MaxPool final : public Kernel {
 public:
  explicit MaxPool(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        windows_(step, input_, output_) {}

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    T* output = run.at<T>(output_);
    if (windows_.tiles_by_two()) return halve(input, output);
    const int64_t channels = windows_.channels;
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      T* best = output + pixel * channels;
      const T* image = input + n * windows_.height * windows_.width * channels;
      std::copy_n(image + (rows.first * windows_.width + columns.first) * channels, channels, best);
      for (int64_t h = rows.first; h < rows.last; h += rows.step) {
        for (int64_t w = columns.first; w < columns.last; w += columns.step) {
          take_maximum(image + (h * windows_.width + w) * channels, best, channels);
        }
      }
    });
  }

 private:
  void halve(const T* input, T* output) const {
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    AbortCheck check;
    for (int64_t n = 0; n < windows_.images; ++n) {
      for (int64_t i = 0; i < windows_.out_height; ++i) {
        const T* row = input + (n * windows_.height + 2 * i) * pitch;
        halve_row(row, row + pitch, output, channels);
        output += windows_.out_width * channels;
        check.after(2 * pitch);
      }
    }
  }

  void halve_row(const T* upper, const T* lower, T* output, int64_t channels) const {
    constexpr int kLanes = kVectorBytes / sizeof(T);
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      halve_window<kLanes>(upper, lower, output, 0, channels);
      upper += 2 * channels, lower += 2 * channels, output += channels;
    }
  }

  template <int kLanes>
  static void halve_window(const T* upper, const T* lower, T* output, int64_t c, int64_t channels) {
    using Vector = typename VectorOf<T, kLanes>::type;
    const auto load = [](const T* from) { return *reinterpret_cast<const Vector*>(from); };
    const auto larger = [](Vector x, Vector best) { return (x > best) | (x != x) ? x : best; };
    for (; c + kLanes <= channels; c += kLanes) {
      const Vector above = larger(load(upper + channels + c), load(upper + c));
      const Vector below = larger(load(lower + channels + c), load(lower + c));
      *reinterpret_cast<Vector*>(output + c) = larger(below, above);
    }
    if constexpr (kLanes > 1) {
      if (c < channels) halve_window<kLanes / 2>(upper, lower, output, c, channels);
    }
  }

  Operand input_, output_;
  PoolWindows windows_;
};

// The offset, from the image's start, of the first maximum of one channel in a window.
template <typename T>
int64_t argmax_in_window(const PoolWindows& w, const T* image, Span rows, Span columns,
                         int64_t channel) {
  int64_t at = (rows.first * w.width + columns.first) * w.channels + channel;
  T best = image[at];
  for (int64_t h = rows.first; h < rows.last; h += rows.step) {
    for (int64_t x = columns.first; x < columns.last; x += columns.step) {
      const int64_t candidate = (h * w.width + x) * w.channels + channel;
      if (beats(image[candidate], best)) best = image[candidate], at = candidate;
    }
  }
  return at;
}

template <typename T>
class MaxPoolGrad final : public Kernel {
 public:
  explicit MaxPoolGrad(const StepReader& step)
      : input_(step.operand("input")),
        gradient_(step.operand("gradient")),
        output_(step.operand("output")),
        windows_(step, input_, gradient_) {
    require(step,
            output_.contiguous() && output_.shape == input_.shape && output_.dtype == input_.dtype,
            "output must match input");
  }

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    const T* gradient = run.at<const T>(gradient_);
    T* output = run.at<T>(output_);
    if (windows_.tiles_by_two()) return spread(input, gradient, output);
    in_blocks(output_.elements(),
              [=](int64_t first, int64_t n) { std::fill_n(output + first, n, T(0)); });
    const int64_t channels = windows_.channels;
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      const int64_t image = n * windows_.height * windows_.width * channels;
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = argmax_in_window(windows_, input + image, rows, columns, c);
        output[image + at] += gradient[pixel * channels + c];
      }
    });
  }

 private:
  void spread(const T* input, const T* gradient, T* output) const {
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    const int64_t covered = 2 * windows_.out_width * channels;
    AbortCheck check;
    for (int64_t n = 0; n < windows_.images; ++n) {
      for (int64_t i = 0; i < windows_.out_height; ++i) {
        spread_row(input, input + pitch, gradient, output, output + pitch, channels);
        std::fill(output + covered, output + pitch, T(0));
        std::fill(output + pitch + covered, output + 2 * pitch, T(0));
        input += 2 * pitch, output += 2 * pitch, gradient += windows_.out_width * channels;
        check.after(4 * pitch);
      }
      const int64_t rest = (windows_.height - 2 * windows_.out_height) * pitch;
      std::fill_n(output, rest, T(0));
      input += rest, output += rest;
    }
  }

  void spread_row(const T* upper, const T* lower, const T* gradient, T* upper_out, T* lower_out,
                  int64_t channels) const {
    constexpr int kLanes = kVectorBytes / sizeof(T);
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      spread_window<kLanes>(upper, lower, gradient, upper_out, lower_out, 0, channels);
      upper += 2 * channels, lower += 2 * channels, gradient += channels;
      upper_out += 2 * channels, lower_out += 2 * channels;
    }
  }

  // Writes all four pixels of a window, so that nothing needs to be zeroed and no branch depends on
  // the data. The vectors are explicit because compilers make branches of these conditions.
  template <int kLanes>
  static void spread_window(const T* upper, const T* lower, const T* gradient, T* upper_out,
                            T* lower_out, int64_t c, int64_t channels) {
    using Vector = typename VectorOf<T, kLanes>::type;
    const auto load = [](const T* from) { return *reinterpret_cast<const Vector*>(from); };
    const auto store = [](T* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; };
    for (; c + kLanes <= channels; c += kLanes) {
      const Vector a = load(upper + c), b = load(upper + channels + c);
      const Vector d = load(lower + c), e = load(lower + channels + c);
      const auto right_above = (b > a) | (b != b), right_below = (e > d) | (e != e);
      const Vector above = right_above ? b : a, below = right_below ? e : d;
      const auto below_wins = (below > above) | (below != below);
      const Vector g = load(gradient + c), zero = {};
      store(upper_out + c, right_above | below_wins ? zero : g);
      store(upper_out + channels + c, right_above & ~below_wins ? g : zero);
      store(lower_out + c, below_wins & ~right_below ? g : zero);
      store(lower_out + channels + c, below_wins & right_below ? g : zero);
    }
    if constexpr (kLanes > 1) {
      if (c < channels) {
        spread_window<kLanes / 2>(upper, lower, gradient, upper_out, lower_out, c, channels);
      }
    }
  }

  Operand input_, gradient_, output_;
  PoolWindows windows_;
};

// The derivative of max pooling along `values`: picks their element at each window's maximum.
template <typename T>
class MaxPoolGather final : public Kernel {
 public:
  explicit MaxPoolGather(const StepReader& step)
      : input_(step.operand("input")),
        values_(step.operand("values")),
        output_(step.operand("output")),
        windows_(step, input_, output_) {
    require(step,
            values_.contiguous() && values_.shape == input_.shape && values_.dtype == input_.dtype,
            "values must match input");
  }

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    const T* values = run.at<const T>(values_);
    T* output = run.at<T>(output_);
    const int64_t channels = windows_.channels;
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      const int64_t image = n * windows_.height * windows_.width * channels;
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = argmax_in_window(windows_, input + image, rows, columns, c);
        output[pixel * channels + c] = values[image + at];
      }
    });
  }

 private:
  Operand input_, values_, output_;
  PoolWindows windows_;
};

}  // namespace

std::unique_ptr<Kernel> make_max_pool2d(const StepReader& step) {
  return make_floating<MaxPool>(step.operand("output").dtype, step);
}

std::unique_ptr<Kernel> make_max_pool2d_grad(const StepReader& step) {
  return make_floating<MaxPoolGrad>(step.operand("output").dtype, step);
}

std::unique_ptr<Kernel> make_max_pool2d_gather(const StepReader& step) {
  return make_floating<MaxPoolGather>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
