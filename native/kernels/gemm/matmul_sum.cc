#include <algorithm>
#include <array>

#include "kernels/factory.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/matrix_product.h"
#include "kernels/index/indices.h"
#include "sync/combine.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The gradient of a weight from its factors: output[m, n] = the sum over the shards s of
// a[s]^T b[s]. `rows` says how many rows shard s has; its factors a[s, k, m] and b[s, k, n] hold
// `perRow` rows for each of them, and what follows is not read. A shard without rows is left out.
// If all have as many as there is room for, their rows are those of one product, unless `inOrder`
// is set; else the products are added in the order of a postfix program.
template <typename T>
class MatmulSum final : public Kernel {
 public:
  explicit MatmulSum(const StepReader& step)
      : a_(step.operand("a")),
        b_(step.operand("b")),
        rows_(step.operand("rows")),
        output_(step.operand("output")),
        per_row_(step.integer("perRow")) {
    check_shapes(step);
    for (const int64_t word : step.integers("program")) {
      program_.push_back(static_cast<int32_t>(word));
    }
    const auto shards = static_cast<size_t>(a_.dim(0));
    require(step, shards <= kMaxTogether && is_sum(program_, shards, kMaxTileDepth),
            "the program is not a sum of the shards");
    check_ = {"matmulSum", 0, most_ / per_row_ + 1};
    measure();
    workspace_ = step.workspace();
  }

  int64_t workspace_bytes() const override { return workspace_bytes_; }

  void run(const Run& run) const override {
    const Present present(*this, run.at<const int32_t>(rows_));
    T* output = run.at<T>(output_);
    T* workspace = run.at<T>(workspace_);
    const T* a = run.at<const T>(a_);
    const T* b = run.at<const T>(b_);
    if (present.program().empty()) {
      std::fill_n(output, m_ * n_, T(0));
    } else if (follow_ && present.terms() == all_terms()) {
      multiply(all_terms(), a, b, output, workspace);
    } else if (!sum_in_tiles(present, a, b, output, workspace)) {
      sum_in_memory(present, a, b, output, workspace);
    }
  }

 private:
  // The shards that have rows: their numbers of terms, and the program over them alone.
  class Present {
   public:
    Present(const MatmulSum& sum, const int32_t* rows) {
      std::array<int32_t, kMaxTogether> index;
      for (int64_t s = 0; s < sum.a_.dim(0); ++s) {
        sum.check_(rows[s], s);
        if (rows[s] == 0) continue;
        index[s] = static_cast<int32_t>(count_);
        shards_[count_++] = {s, rows[s] * sum.per_row_};
      }
      std::array<bool, kMaxTileDepth> stack;
      size_t depth = 0;
      for (const int32_t word : sum.program_) {
        if (word != kAdd) {
          stack[depth++] = rows[word] > 0;
          if (rows[word] > 0) program_[size_++] = index[word];
          continue;
        }
        --depth;
        if (stack[depth] && stack[depth - 1]) program_[size_++] = kAdd;
        stack[depth - 1] = stack[depth - 1] || stack[depth];
      }
    }

    struct Shard {
      int64_t index, terms;
    };

    int64_t terms() const {
      int64_t sum = 0;
      for (const Shard& one : shards()) sum += one.terms;
      return sum;
    }
    std::span<const Shard> shards() const { return {shards_.data(), count_}; }
    // A sum of them, by their place among them; empty without any.
    std::span<const int32_t> program() const { return {program_.data(), size_}; }

    // Terms of each shard's product; 0 if they differ.
    int64_t terms_of_all() const {
      const int64_t first = shards_[0].terms;
      const bool same =
          std::ranges::all_of(shards(), [&](const Shard& one) { return one.terms == first; });
      return same ? first : 0;
    }

   private:
    std::array<Shard, kMaxTogether> shards_;
    std::array<int32_t, 2 * kMaxTogether> program_;
    size_t count_ = 0, size_ = 0;
  };

  void check_shapes(const StepReader& step) {
    require(step, a_.rank() == 3 && b_.rank() == 3 && rows_.rank() == 1 && output_.rank() == 2,
            "wrong ranks");
    require(step, a_.dtype == output_.dtype && b_.dtype == output_.dtype, "dtypes differ");
    require(step, rows_.dtype == DType::kInt32 && rows_.contiguous(), "rows must be int32");
    m_ = a_.dim(2);
    n_ = b_.dim(2);
    most_ = a_.dim(1);
    require(step, b_.dim(1) == most_ && b_.dim(0) == a_.dim(0) && rows_.dim(0) == a_.dim(0),
            "the factors differ in shards or rows");
    require(step, output_.dim(0) == m_ && output_.dim(1) == n_ && output_.contiguous(),
            "output has another shape");
    const auto has_rows = [](const Operand& matrices) {
      return matrices.stride(-1) == 1 && matrices.stride(-2) >= matrices.dim(-1);
    };
    require(step, m_ > 0 && n_ > 0 && has_rows(a_) && has_rows(b_), "rows are not contiguous");
    require(step, per_row_ > 0 && most_ % per_row_ == 0, "perRow does not divide the rows");
    follow_ = !step.boolean("inOrder") && a_.stride(0) == most_ * a_.stride(-2) &&
              b_.stride(0) == most_ * b_.stride(-2);
  }

  // What any numbers of rows need. The same for all instruction sets, as that of matmul.
  void measure() {
    for (int64_t k = per_row_; k <= most_; k += per_row_) {
      product_elements_ = std::max(product_elements_, product(k).workspace());
    }
    // Whole lines, so that each product's copies begin with one.
    constexpr int64_t kLine = 64 / sizeof(T);
    product_elements_ = (product_elements_ + kLine - 1) / kLine * kLine;
    int64_t depth = 0, deepest = 0;
    for (const int32_t word : program_) {
      depth += word == kAdd ? -1 : 1;
      deepest = std::max(deepest, depth);
    }
    const int64_t in_memory = product_elements_ + (deepest - 1) * m_ * n_;
    workspace_bytes_ = bytes_of<T>(
        std::max({in_memory, a_.dim(0) * product_elements_, product(all_terms()).workspace()}));
  }

  // Those of shards that have all rows.
  int64_t all_terms() const { return a_.dim(0) * most_; }

  MatrixProduct<T> product(int64_t k) const {
    return {m_, n_, k, Layout{a_.stride(-2), 1}, Layout{b_.stride(-2), 1}};
  }

  // Adds equal products tile by tile, so that the output is written once; false if they cannot be.
  bool sum_in_tiles(const Present& present, const T* a, const T* b, T* output, T* workspace) const {
    if constexpr (kHasProduct) {
      const int64_t k = present.terms_of_all();
      if (k == 0 || present.shards().size() == 1) return false;
      const MatrixProduct<T> each = product(k);
      if (!each.sums()) return false;
      std::array<typename MatrixProduct<T>::Term, kMaxTogether> terms;
      size_t count = 0;
      for (const auto& [s, _] : present.shards()) {
        T* const own = workspace + static_cast<int64_t>(count) * product_elements_;
        terms[count++] = {a + s * a_.stride(0), b + s * b_.stride(0), own};
      }
      each.run_sum({terms.data(), count}, present.program(), output);
      return true;
    }
    return false;
  }

  // The same on a stack of whole products, the first of which is the output itself.
  void sum_in_memory(const Present& present, const T* a, const T* b, T* output,
                     T* workspace) const {
    T* const others = workspace + product_elements_;
    const int64_t size = m_ * n_;
    const auto at = [&](size_t depth) {
      return depth == 0 ? output : others + static_cast<int64_t>(depth - 1) * size;
    };
    size_t depth = 0;
    for (const int32_t word : present.program()) {
      if (word == kAdd) {
        --depth;
        T* const to = at(depth - 1);
        const T* const from = at(depth);
        for (int64_t i = 0; i < size; ++i) to[i] += from[i];
      } else {
        const auto& [s, k] = present.shards()[word];
        multiply(k, a + s * a_.stride(0), b + s * b_.stride(0), at(depth++), workspace);
      }
    }
  }

  void multiply(int64_t k, const T* a, const T* b, T* output, T* workspace) const {
    if constexpr (kHasProduct) {
      product(k).run(a, b, output, workspace);
    } else {
      // The bits of the BLAS may depend on the number of rows.
      AbortCheck check;
      for (int64_t i = 0; i < m_; i += kStripRows) {
        const int64_t rows = std::min(kStripRows, m_ - i);
        gemm(rows, n_, k, {a + i, a_.stride(-2), true}, {b, b_.stride(-2), false}, output + i * n_,
             n_);
        check.after(product_work(rows, n_, k));
      }
    }
  }

  Operand a_, b_, rows_, output_;
  int64_t per_row_;
  int64_t m_ = 0, n_ = 0, most_ = 0;
  bool follow_ = false;  // the rows of each shard follow those of the one before
  std::vector<int32_t> program_;
  IndexCheck check_;
  int64_t product_elements_ = 0, workspace_bytes_ = 0;
  Operand workspace_;
};

}  // namespace

std::unique_ptr<Kernel> make_matmul_sum(const StepReader& step) {
  return make_floating<MatmulSum>(step.operand("output").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
