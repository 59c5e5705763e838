#include "kernels/pool/pool_vectors.h"
#include "kernels/pool/pool_window.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The lanes in which the candidate beats the best so far; a NaN beats everything. The vectors are
// explicit because compilers make branches of these conditions.
template <typename V>
auto beats(const V& candidate, const V& best) {
  return (candidate > best) | (candidate != candidate);
}

template <typename V>
V larger(const V& candidate, const V& best) {
  return beats(candidate, best) ? candidate : best;
}

// One window of an image: its pixels are `rows` times `columns`.
struct Window {
  Span rows, columns;

  // Calls visit(offset, place) for each pixel, with its offset from the image's first element and
  // its number within the window.
  template <typename Visit>
  void for_each_pixel(const PoolWindows& w, Visit visit) const {
    int place = 0;
    for (int64_t h = rows.first; h < rows.last; h += rows.step) {
      for (int64_t x = columns.first; x < columns.last; x += columns.step) {
        visit((h * w.width + x) * w.channels, place++);
      }
    }
  }
};

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
      Window{rows, columns}.for_each_pixel(windows_, [&](int64_t at, int) {
        for_each_vector<T>(channels, false, [&]<int kLanes>(int64_t c) {
          store(best + c, larger(load<kLanes>(image + at + c), load<kLanes>(best + c)));
        });
      });
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
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      const auto halve = [&]<int kLanes>(int64_t c) {
        const auto above = larger(load<kLanes>(upper + channels + c), load<kLanes>(upper + c));
        const auto below = larger(load<kLanes>(lower + channels + c), load<kLanes>(lower + c));
        store(output + c, larger(below, above));
      };
      for_each_vector<T>(channels, j + 1 < windows_.out_width, halve);
      upper += 2 * channels, lower += 2 * channels, output += channels;
    }
  }

  Operand input_, output_;
  PoolWindows windows_;
};

// The number of the first maximum within a window, for each of kLanes channels.
template <int kLanes, typename T>
auto first_maximum(const PoolWindows& w, const T* image, const Window& window) {
  auto best =
      load<kLanes>(image + (window.rows.first * w.width + window.columns.first) * w.channels);
  decltype(best > best) winner = {};
  window.for_each_pixel(w, [&](int64_t at, int place) {
    const auto x = load<kLanes>(image + at);
    const auto wins = beats(x, best);
    best = wins ? x : best;
    winner = wins ? decltype(winner){} + place : winner;
  });
  return winner;
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
      const Window window{rows, columns};
      for_each_vector<T>(channels, false, [&]<int kLanes>(int64_t c) {
        const auto winner = first_maximum<kLanes>(windows_, input + image + c, window);
        const auto g = load<kLanes>(gradient + pixel * channels + c);
        window.for_each_pixel(windows_, [&](int64_t at, int place) {
          T* const to = output + image + at + c;
          const auto sum = load<kLanes>(to);
          store(to, winner == place ? sum + g : sum);
        });
      });
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

  // Writes all four pixels of a window, so that nothing needs to be zeroed.
  void spread_row(const T* upper, const T* lower, const T* gradient, T* upper_out, T* lower_out,
                  int64_t channels) const {
    for (int64_t j = 0; j < windows_.out_width; ++j) {
      const auto spread = [&]<int kLanes>(int64_t c) {
        const auto a = load<kLanes>(upper + c), b = load<kLanes>(upper + channels + c);
        const auto d = load<kLanes>(lower + c), e = load<kLanes>(lower + channels + c);
        const auto right_above = beats(b, a), right_below = beats(e, d);
        const auto below_wins = beats(right_below ? e : d, right_above ? b : a);
        const auto g = load<kLanes>(gradient + c), zero = decltype(g){};
        store(upper_out + c, right_above | below_wins ? zero : g);
        store(upper_out + channels + c, right_above & ~below_wins ? g : zero);
        store(lower_out + c, below_wins & ~right_below ? g : zero);
        store(lower_out + channels + c, below_wins & right_below ? g : zero);
      };
      for_each_vector<T>(channels, j + 1 < windows_.out_width, spread);
      upper += 2 * channels, lower += 2 * channels, gradient += channels;
      upper_out += 2 * channels, lower_out += 2 * channels;
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
      const Window window{rows, columns};
      for_each_vector<T>(channels, false, [&]<int kLanes>(int64_t c) {
        const auto winner = first_maximum<kLanes>(windows_, input + image + c, window);
        auto picked = Vector<T, kLanes>{};
        window.for_each_pixel(windows_, [&](int64_t at, int place) {
          picked = winner == place ? load<kLanes>(values + image + at + c) : picked;
        });
        store(output + pixel * channels + c, picked);
      });
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
