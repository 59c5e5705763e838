#include "kernels/pool/pool_vectors.h"
#include "kernels/pool/pool_window.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <typename T>
void add_scaled(const T* source, T scale, T* target, int64_t count) {
  for_each_vector<T>(count, false, [=]<int kLanes>(int64_t c) {
    store(target + c, load<kLanes>(target + c) + load<kLanes>(source + c) * scale);
  });
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
    in_blocks(output_.elements(),
              [=](int64_t first, int64_t n) { std::fill_n(output + first, n, T(0)); });
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    const T scale = T(1) / static_cast<T>(product(windows_.size));
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      for (int64_t h = rows.first; h < rows.last; h += rows.step) {
        const T* row = input + (n * windows_.height + h) * pitch;
        for (int64_t w = columns.first; w < columns.last; w += columns.step) {
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
    in_blocks(output_.elements(),
              [=](int64_t first, int64_t n) { std::fill_n(output + first, n, T(0)); });
    const int64_t channels = windows_.channels, pitch = windows_.width * channels;
    const T scale = T(1) / static_cast<T>(product(windows_.size));
    for_each_window(windows_, [&](int64_t n, Span rows, Span columns, int64_t pixel) {
      for (int64_t h = rows.first; h < rows.last; h += rows.step) {
        T* row = output + (n * windows_.height + h) * pitch;
        for (int64_t w = columns.first; w < columns.last; w += columns.step) {
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

std::unique_ptr<Kernel> make_avg_pool2d(const StepReader& step) {
  return make_floating<AveragePool>(step.operand("output").dtype, step);
}

std::unique_ptr<Kernel> make_avg_pool2d_grad(const StepReader& step) {
  return make_floating<AveragePoolGrad>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
