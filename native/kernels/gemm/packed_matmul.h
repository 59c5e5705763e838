#pragma once

#include "kernels/factory.h"
#include "kernels/gemm/matrix_storage.h"
#include "kernels/gemm/packed_product.h"

namespace chainrule::CHAINRULE_ISA {

// output[m, n] = a[m, k] times the matrix that `packMatmul` packed.
template <typename T>
class PackedMatmul final : public Kernel {
 public:
  explicit PackedMatmul(const StepReader& step)
      : a_(step.operand("a")),
        packed_(step.operand("packed")),
        output_(step.operand("output")),
        product_(checked(step)) {}

  void run(const Run& run) const override {
    product_.run(run.at<const T>(a_), run.at<const T>(packed_), run.at<T>(output_));
  }

 private:
  PackedProduct<T> checked(const StepReader& step) const {
    require_contiguous(step, {&output_, &packed_});
    require(step, a_.dtype == output_.dtype, "operands differ in dtype");
    require(step, a_.rank() == 2 && output_.rank() == 2 && a_.dim(0) == output_.dim(0),
            "packed weights need matrices of equal numbers of rows");
    const int64_t columns = output_.dim(1), depth = a_.dim(1);
    require(step, columns >= PackedProduct<T>::kLeastColumns && depth > 0,
            "too small for packed weights");
    require(step, packed_.elements() == PackedProduct<T>::elements(columns, depth),
            "packed weights of another size");
    return {a_.dim(0), columns, depth, layout_of(storage(a_), true)};
  }

  Operand a_, packed_, output_;
  PackedProduct<T> product_;
};

// Packs the matrix b of a product, or with `transposeB` the one whose transpose is stored.
template <typename T>
class MatmulPacking final : public Kernel {
 public:
  explicit MatmulPacking(const StepReader& step)
      : weight_(step.operand("weight")),
        output_(step.operand("output")),
        transposed_(step.boolean("transposeB")),
        product_(checked(step)) {}

  void run(const Run& run) const override {
    const int64_t step = weight_.dim(1);
    const Layout layout = transposed_ ? Layout{1, step} : Layout{step, 1};
    product_.pack(run.at<const T>(weight_), layout, run.at<T>(output_));
  }

 private:
  PackedProduct<T> checked(const StepReader& step) const {
    require_contiguous(step, {&weight_, &output_});
    require(step, weight_.rank() == 2, "expected a matrix");
    const int64_t columns = weight_.dim(transposed_ ? 0 : 1);
    const int64_t depth = weight_.dim(transposed_ ? 1 : 0);
    require(step, columns >= PackedProduct<T>::kLeastColumns && depth > 0, "too small to pack");
    require(step, output_.elements() == PackedProduct<T>::elements(columns, depth),
            "packed weights of another size");
    return {0, columns, depth, {1, depth}};
  }

  Operand weight_, output_;
  bool transposed_;
  PackedProduct<T> product_;
};

}  // namespace chainrule::CHAINRULE_ISA
