#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/factory.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/matrix_product.h"
#include "kernels/gemm/matrix_storage.h"
#include "kernels/gemm/packed_matmul.h"
#include "kernels/reduce/largest.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <typename T>
class Matmul final : public Kernel {
 public:
  explicit Matmul(const StepReader& step)
      : a_(step.operand("a")), b_(step.operand("b")), output_(step.operand("output")) {
    check_shapes(step);
    list_products();
    side_ = piece_side();
    workspace_ = step.workspace();
    choose_product();
  }

  int64_t workspace_bytes() const override { return workspace_bytes_; }

  // The packed matrix is the same for all numbers of rows. Where the BLAS multiplies, there is
  // none.
  Packing packing() const override {
    const bool packs = kHasProduct && output_.rank() == 2 && !a_storage_.transposed && k_ > 0 &&
                       n_ >= PackedProduct<T>::kLeastColumns;
    return packs ? Packing{PackedProduct<T>::elements(n_, k_), "panels"} : Packing{};
  }

  void run(const Run& run) const override {
    const T* a = run.at<const T>(a_);
    const T* b = run.at<const T>(b_);
    T* output = run.at<T>(output_);
    T* workspace = run.at<T>(workspace_);
    if (k_ == 0) std::fill_n(output, output_.elements(), T(0));
    if (k_ == 0 || m_ == 0 || n_ == 0) return;
    AbortCheck check;
    for (const auto& [a_offset, b_offset] : products_) {
      multiply(a + a_offset, b + b_offset, output, workspace);
      output += m_ * n_;
      check.after(product_work(m_, n_, k_));
    }
  }

  // Products of the BLAS are summed by the caller: the BLAS may round in between.
  bool sums() const override {
    if constexpr (kHasProduct) {
      return product_ && product_->sums();
    }
    return false;
  }

  void run_sum(std::span<const Run> runs, std::span<const int32_t> program) const override {
    if constexpr (kHasProduct) {
      std::array<typename MatrixProduct<T>::Term, kMaxTogether> terms;
      T* output = runs[0].at<T>(output_);
      for (const auto& [a_offset, b_offset] : products_) {
        for (size_t i = 0; i < runs.size(); ++i) {
          terms[i] = {runs[i].at<const T>(a_) + a_offset, runs[i].at<const T>(b_) + b_offset,
                      runs[i].at<T>(workspace_)};
        }
        product_->run_sum({terms.data(), runs.size()}, program, output);
        output += m_ * n_;
      }
    }
  }

  // A result is a sum of k products, and the matrices of a weight's gradient are mostly smaller
  // than the gradient is.
  double bound(const Run& run) const override {
    if (products_.size() != 1 || 2 * k_ * (m_ + n_) > m_ * n_) return Kernel::bound(run);
    const double a = largest_in(run.at<const T>(a_), a_storage_, m_, k_);
    const double b = largest_in(run.at<const T>(b_), b_storage_, k_, n_);
    // Each sum may be rounded up.
    return 2.0 * static_cast<double>(k_) * a * b;
  }

 private:
  static double largest_in(const T* values, const Storage& stored, int64_t rows, int64_t columns) {
    const auto [lines, length] =
        stored.transposed ? std::pair(columns, rows) : std::pair(rows, columns);
    if (stored.leading == length) return largest(values, lines * length);
    double most = 0;
    for (int64_t i = 0; i < lines; ++i) {
      most = std::max(most, largest(values + i * stored.leading, length));
    }
    return most;
  }

  struct Offsets {
    int64_t a, b;
  };

  void check_shapes(const StepReader& step) {
    const bool transpose_a = step.boolean("transposeA"), transpose_b = step.boolean("transposeB");
    const int64_t rank = output_.rank();
    require(step, rank >= 2 && a_.rank() == rank && b_.rank() == rank, "ranks differ");
    require(step, a_.dtype == output_.dtype && b_.dtype == output_.dtype, "dtypes differ");
    require(step, output_.contiguous(), "output is not contiguous");
    m_ = a_.dim(transpose_a ? -1 : -2);
    k_ = a_.dim(transpose_a ? -2 : -1);
    n_ = b_.dim(transpose_b ? -2 : -1);
    require(step, b_.dim(transpose_b ? -1 : -2) == k_, "inner dimensions differ");
    require(step, output_.dim(-2) == m_ && output_.dim(-1) == n_, "output has another shape");
    for (int64_t i = 0; i < rank - 2; ++i) {
      require(step, a_.dim(i) == output_.dim(i) && b_.dim(i) == output_.dim(i),
              "batch dimensions differ");
    }
    a_storage_ = storage(a_);
    b_storage_ = storage(b_);
    a_storage_.transposed ^= transpose_a;
    b_storage_.transposed ^= transpose_b;
    const int64_t limit = std::numeric_limits<int32_t>::max();
    require(step, std::max({m_, n_, k_, a_storage_.leading, b_storage_.leading}) <= limit,
            "dimensions exceed 32 bits");
  }

  void list_products() {
    int64_t batch_rank = output_.rank() - 2;
    // One tall product beats a batch of short ones: consecutive rows that share b are joined.
    while (batch_rank > 0 && !a_storage_.transposed && b_.strides[batch_rank - 1] == 0 &&
           a_.strides[batch_rank - 1] == m_ * a_storage_.leading &&
           m_ * output_.shape[batch_rank - 1] <= std::numeric_limits<int32_t>::max()) {
      m_ *= output_.shape[--batch_rank];
    }
    products_ = {{0, 0}};
    for (int64_t axis = 0; axis < batch_rank; ++axis) {
      std::vector<Offsets> expanded;
      for (const Offsets& at : products_) {
        for (int64_t i = 0; i < output_.shape[axis]; ++i) {
          expanded.push_back({at.a + i * a_.strides[axis], at.b + i * b_.strides[axis]});
        }
      }
      products_ = std::move(expanded);
    }
  }

  // The workspace is the same for all instruction sets, even for those that leave the product to
  // the BLAS, so that a plan is the same on all of them.
  void choose_product() {
    if (k_ == 0) return;
    const Layout a = layout_of(a_storage_, true), b = layout_of(b_storage_, false);
    const MatrixProduct<T> product(m_, n_, k_, a, b);
    workspace_bytes_ = bytes_of<T>(product.workspace());
    if constexpr (kHasProduct) product_ = product;
  }

  void multiply(const T* a, const T* b, T* output, T* workspace) const {
    if constexpr (kHasProduct) {
      if (product_) return product_->run(a, b, output, workspace);
    }
    const Matrix<T> left{a, a_storage_.leading, a_storage_.transposed};
    const Matrix<T> right{b, b_storage_.leading, b_storage_.transposed};
    if (n_ == 1) {
      gemv(m_, k_, left, b, right.transposed ? 1 : right.leading, output);
    } else if (m_ == 1) {
      const Matrix<T> turned{b, right.leading, !right.transposed};
      gemv(n_, k_, turned, a, left.transposed ? left.leading : 1, output);
    } else {
      multiply_pieces(left, right, output);
    }
  }

  // A long product is cut into pieces, so that it can be aborted. Their sides are multiples of
  // those of any BLAS's tiles, and they are not cut along k, which leaves the bits as they are.
  void multiply_pieces(const Matrix<T>& a, const Matrix<T>& b, T* output) const {
    AbortCheck check;
    for (int64_t i = 0; i < m_; i += side_) {
      for (int64_t j = 0; j < n_; j += side_) {
        const int64_t rows = std::min(side_, m_ - i), columns = std::min(side_, n_ - j);
        gemm(rows, columns, k_, a.from_row(i), b.from_column(j), output + i * n_ + j, n_);
        check.after(product_work(rows, columns, k_));
      }
    }
  }

  // About 50 ms, in multiplications.
  static constexpr int64_t kMostWork = int64_t{1} << 32, kSide = 192;

  int64_t piece_side() const {
    if (k_ == 0 || m_ * n_ <= kMostWork / k_) return std::max(m_, n_);
    const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(kMostWork / k_)));
    return std::max(side / kSide, int64_t{1}) * kSide;
  }

  Operand a_, b_, output_;
  int64_t m_ = 0, n_ = 0, k_ = 0;
  Storage a_storage_{}, b_storage_{};
  int64_t side_ = 0;  // of the pieces
  std::vector<Offsets> products_;
  std::optional<MatrixProduct<T>> product_;
  Operand workspace_;
  int64_t workspace_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_matmul(const StepReader& step) {
  const DType dtype = step.operand("output").dtype;
  if (step.has("packed")) return make_floating<PackedMatmul>(dtype, step);
  return make_floating<Matmul>(dtype, step);
}

std::unique_ptr<Kernel> make_pack_matmul(const StepReader& step) {
  return make_floating<MatmulPacking>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
