#include <algorithm>
#include <cmath>
#include <string>

#include "engine/op_error.h"
#include "kernels/factory.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// Systems of linear equations: a [..., n, n] x = b [..., n, k], by Gaussian elimination with
// partial pivoting.
template <typename T>
class Solve final : public Kernel {
 public:
  explicit Solve(const StepReader& step)
      : a_(step.operand("a")),
        b_(step.operand("b")),
        output_(step.operand("output")),
        workspace_(step.workspace()),
        name_(step.text("name")) {
    require(step, a_.rank() >= 2 && b_.rank() == a_.rank(), "operands must be matrices");
    n_ = a_.dim(-1), k_ = b_.dim(-1);
    require(step, a_.dim(-2) == n_ && b_.dim(-2) == n_, "sizes differ");
    require(step, a_.dtype == output_.dtype && b_.dtype == output_.dtype, "dtypes differ");
    require(step, a_.contiguous() && b_.contiguous() && output_.contiguous(),
            "operands must be contiguous");
    require(step, b_.shape == output_.shape, "output has another shape than b");
    systems_ = product(Dims(a_.shape.begin(), a_.shape.end() - 2));
    require(step, a_.elements() == systems_ * n_ * n_ && b_.elements() == systems_ * n_ * k_,
            "batches differ");
  }

  int64_t workspace_bytes() const override { return bytes_of<T>(n_ * n_); }

  void run(const Run& run) const override {
    const T* a = run.at<const T>(a_);
    const T* b = run.at<const T>(b_);
    T* output = run.at<T>(output_);
    T* matrix = run.at<T>(workspace_);
    in_blocks(b_.elements(),
              [=](int64_t first, int64_t count) { std::copy_n(b + first, count, output + first); });
    AbortCheck check;
    for (int64_t i = 0; i < systems_; ++i) {
      std::copy_n(a + i * n_ * n_, n_ * n_, matrix);
      T* x = output + i * n_ * k_;
      eliminate(matrix, x, i, check);
      substitute(matrix, x, check);
    }
  }

 private:
  void eliminate(T* matrix, T* x, int64_t system, AbortCheck& check) const {
    for (int64_t c = 0; c < n_; ++c) {
      const int64_t pivot = largest(matrix, c);
      check.after(n_ - c);
      T* row = matrix + c * n_;
      if (pivot != c) {
        std::swap_ranges(row + c, row + n_, matrix + pivot * n_ + c);
        std::swap_ranges(x + c * k_, x + (c + 1) * k_, x + pivot * k_);
      }
      if (row[c] == T(0)) {
        throw OpError(name_, "matrix " + std::to_string(system) + " is singular", kDataCode);
      }
      for (int64_t r = c + 1; r < n_; ++r) {
        const T factor = matrix[r * n_ + c] / row[c];
        if (factor == T(0)) continue;
        subtract(factor, row + c + 1, matrix + r * n_ + c + 1, n_ - c - 1);
        subtract(factor, x + c * k_, x + r * k_, k_);
        check.after(n_ - c + k_);
      }
    }
  }

  // The row of the largest element of a column, from the diagonal down; NaN counts as the largest.
  int64_t largest(const T* matrix, int64_t column) const {
    int64_t best = column;
    for (int64_t r = column + 1; r < n_; ++r) {
      const T most = std::abs(matrix[best * n_ + column]);
      if (most == most && !(std::abs(matrix[r * n_ + column]) <= most)) best = r;
    }
    return best;
  }

  void substitute(const T* matrix, T* x, AbortCheck& check) const {
    for (int64_t r = n_; r-- > 0;) {
      const T* row = matrix + r * n_;
      T* to = x + r * k_;
      for (int64_t c = r + 1; c < n_; ++c) {
        subtract(row[c], x + c * k_, to, k_);
        check.after(1 + k_);
      }
      for (int64_t j = 0; j < k_; ++j) to[j] /= row[r];
    }
  }

  static void subtract(T factor, const T* __restrict from, T* __restrict to, int64_t count) {
    for (int64_t j = 0; j < count; ++j) to[j] -= factor * from[j];
  }

  Operand a_, b_, output_, workspace_;
  std::string name_;
  int64_t n_ = 0, k_ = 0, systems_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_solve(const StepReader& step) {
  return make_floating<Solve>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
