#include <cstring>

#include "pool_window.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Calls visit(image, out_row, out_column, output pixel) for every window, in the order of the
// output.
template <typename Visit>
void for_each_window(const PoolWindows& w, Visit visit) {
  int64_t pixel = 0;
  for (int64_t n = 0; n < w.images; ++n) {
    for (int64_t i = 0; i < w.out_height; ++i) {
      for (int64_t j = 0; j < w.out_width; ++j) visit(n, w.rows(i), w.columns(j), pixel++);
    }
  }
}

template <typename T>
bool beats(T candidate, T best) {
  return candidate > best || candidate != candidate;
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
      for (int64_t h = rows.first; h < rows.last; ++h) {
        for (int64_t w = columns.first; w < columns.last; ++w) {
          take_maximum(image + (h * windows_.width + w) * channels, best, channels);
        }
      }
    });
  }

 private:
  void halve(const T* input, T* output) const {
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    for (int64_t n = 0; n < windows_.images; ++n) {
      for (int64_t i = 0; i < windows_.out_height; ++i) {
        const T* row = input + (n * windows_.height + 2 * i) * pitch;
        halve_row(row, row + pitch, output, channels);
        output += windows_.out_width * channels;
      }
    }
  }

  void halve_row(const T* __restrict upper, const T* __restrict lower, T* __restrict output,
                 int64_t channels) const {
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      for (int64_t c = 0; c < channels; ++c) {
        T best = upper[c];
        best = beats(upper[channels + c], best) ? upper[channels + c] : best;
        best = beats(lower[c], best) ? lower[c] : best;
        output[c] = beats(lower[channels + c], best) ? lower[channels + c] : best;
      }
      upper += 2 * channels, lower += 2 * channels, output += channels;
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
  for (int64_t h = rows.first; h < rows.last; ++h) {
    for (int64_t x = columns.first; x < columns.last; ++x) {
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
    std::fill_n(output, output_.elements(), T(0));
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
    for (int64_t n = 0; n < windows_.images; ++n) {
      for (int64_t i = 0; i < windows_.out_height; ++i) {
        spread_row(input, input + pitch, gradient, output, output + pitch, channels);
        std::fill(output + covered, output + pitch, T(0));
        std::fill(output + pitch + covered, output + 2 * pitch, T(0));
        input += 2 * pitch, output += 2 * pitch, gradient += windows_.out_width * channels;
      }
      const int64_t rest = (windows_.height - 2 * windows_.out_height) * pitch;
      std::fill_n(output, rest, T(0));
      input += rest, output += rest;
    }
  }

  // Writes all four pixels of each window, so that nothing needs to be zeroed and no branch depends
  // on the data.
  void spread_row(const T* __restrict upper, const T* __restrict lower,
                  const T* __restrict gradient, T* __restrict upper_out, T* __restrict lower_out,
                  int64_t channels) const {
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      for (int64_t c = 0; c < channels; ++c) {
        const T a = upper[c], b = upper[channels + c], d = lower[c], e = lower[channels + c];
        const bool right_above = beats(b, a), right_below = beats(e, d);
        const T above = right_above ? b : a, below = right_below ? e : d;
        const bool below_wins = beats(below, above);
        const T to_above = below_wins ? T(0) : gradient[c],
                to_below = below_wins ? gradient[c] : T(0);
        upper_out[c] = right_above ? T(0) : to_above;
        upper_out[channels + c] = right_above ? to_above : T(0);
        lower_out[c] = right_below ? T(0) : to_below;
        lower_out[channels + c] = right_below ? to_below : T(0);
      }
      upper += 2 * channels, lower += 2 * channels, gradient += channels;
      upper_out += 2 * channels, lower_out += 2 * channels;
    }
  }

  Operand input_, gradient_, output_;
  PoolWindows windows_;
};

// The derivative of max pooling along `values`: what lies where each window's maximum was found.
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

template <typename T>
void add_scaled(const T* __restrict source, T scale, T* __restrict target, int64_t count) {
  for (int64_t i = 0; i < count; ++i) target[i] += source[i] * scale;
}

template <typename T>
class AveragePool final : public Kernel {
 public:
  explicit AveragePool(const StepReader& step)
      : input_(step.operand("input")),
        output_(step.operand("output")),
        windows_(step, input_, output_) {}

  void run(const Run& run) const override {
    const T* input = run.at<const T>(input_);
    T* output = run.at<T>(output_);
    std::fill_n(output, output_.elements(), T(0));
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    const T scale = T(1) / static_cast<T>(product(windows_.size));
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      for (int64_t h = rows.first; h < rows.last; ++h) {
        const T* row = input + (n * windows_.height + h) * pitch;
        for (int64_t w = columns.first; w < columns.last; ++w) {
          add_scaled(row + w * channels, scale, output + pixel * channels, channels);
        }
      }
    });
  }

 private:
  Operand input_, output_;
  PoolWindows windows_;
};

template <typename T>
class AveragePoolGrad final : public Kernel {
 public:
  explicit AveragePoolGrad(const StepReader& step)
      : gradient_(step.operand("gradient")),
        output_(step.operand("output")),
        windows_(step, output_, gradient_) {}

  void run(const Run& run) const override {
    const T* gradient = run.at<const T>(gradient_);
    T* output = run.at<T>(output_);
    std::fill_n(output, output_.elements(), T(0));
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    const T scale = T(1) / static_cast<T>(product(windows_.size));
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      for (int64_t h = rows.first; h < rows.last; ++h) {
        T* row = output + (n * windows_.height + h) * pitch;
        for (int64_t w = columns.first; w < columns.last; ++w) {
          add_scaled(gradient + pixel * channels, scale, row + w * channels, channels);
        }
      }
    });
  }

 private:
  Operand gradient_, output_;
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

std::unique_ptr<Kernel> make_avg_pool2d(const StepReader& step) {
  return make_floating<AveragePool>(step.operand("output").dtype, step);
}

std::unique_ptr<Kernel> make_avg_pool2d_grad(const StepReader& step) {
  return make_floating<AveragePoolGrad>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
