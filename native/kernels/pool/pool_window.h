#pragma once

#include <algorithm>

#include "kernels/factory.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {

// The positions first, first + step, ... below last of one window along one axis, all in the image.
struct Span {
  int64_t first, last, step;
};

// The windows of a pooling step over [N, H, W, C] images.
struct PoolWindows {
  int64_t images, height, width, channels, out_height, out_width;
  Dims size, stride, padding, dilation;

  // `image` is the larger of the two operands, `pooled` the one with an element per window.
  PoolWindows(const StepReader& step, const Operand& image, const Operand& pooled)
      : size(step.integers("size")),
        stride(step.integers("stride")),
        padding(step.integers("padding")),
        dilation(step.integers("dilation")) {
    require(step, image.rank() == 4 && pooled.rank() == 4, "operands must be [N, H, W, C]");
    require(step, image.contiguous() && pooled.contiguous(), "operands must be contiguous");
    require(step, image.dtype == pooled.dtype, "operands differ in dtype");
    require(step, image.dim(0) == pooled.dim(0) && image.dim(3) == pooled.dim(3),
            "operands differ in images or channels");
    require(step,
            size.size() == 2 && stride.size() == 2 && padding.size() == 2 && dilation.size() == 2,
            "size, stride, padding and dilation must be pairs");
    images = image.dim(0), height = image.dim(1), width = image.dim(2), channels = image.dim(3);
    out_height = pooled.dim(1), out_width = pooled.dim(2);
    check_axis(step, 0, height, out_height);
    check_axis(step, 1, width, out_width);
  }

  Span rows(int64_t out_row) const { return span(0, out_row, height); }
  Span columns(int64_t out_column) const { return span(1, out_column, width); }

  bool tiles_by_two() const {
    return size == Dims{2, 2} && stride == size && padding == Dims{0, 0} &&
           dilation == Dims{1, 1} && 2 * out_height <= height && 2 * out_width <= width;
  }

 private:
  // Throws unless each window holds at least one pixel, so that a maximum exists.
  void check_axis(const StepReader& step, int axis, int64_t extent, int64_t windows) const {
    require(step, size[axis] >= 1 && stride[axis] >= 1 && dilation[axis] >= 1,
            "size, stride and dilation must be positive");
    require(step, padding[axis] >= 0 && padding[axis] <= (size[axis] - 1) * dilation[axis],
            "padding must be smaller than the window");
    for (int64_t i = 0; i < windows; ++i) {
      const Span window = span(axis, i, extent);
      require(step, window.first < window.last, "a window lies outside the image");
    }
  }

  Span span(int axis, int64_t index, int64_t extent) const {
    const int64_t start = index * stride[axis] - padding[axis], step = dilation[axis];
    const int64_t skipped = start < 0 ? (step - 1 - start) / step : 0;
    return {start + skipped * step, std::min(start + (size[axis] - 1) * step + 1, extent), step};
  }
};

// Calls visit(image, rows, columns, output pixel) for every window, in the order of the output.
template <typename Visit>
void for_each_window(const PoolWindows& w, Visit visit) {
  const int64_t work = w.channels * product(w.size);
  int64_t pixel = 0;
  AbortCheck check;
  for (int64_t n = 0; n < w.images; ++n) {
    for (int64_t i = 0; i < w.out_height; ++i) {
      for (int64_t j = 0; j < w.out_width; ++j) {
        visit(n, w.rows(i), w.columns(j), pixel++);
        check.after(work);
      }
    }
  }
}

}  // namespace chainrule::CHAINRULE_ISA
