#pragma once

#include <cstdint>

#include "engine/blas.h"
#include "kernels/isa.h"

namespace chainrule::CHAINRULE_ISA {

// A row-major matrix in memory; `transposed` if the transpose of the required matrix is stored.
template <typename T>
struct Matrix {
  const T* data;
  int64_t leading;
  bool transposed;

  Matrix from_row(int64_t i) const {
    return {data + (transposed ? i : i * leading), leading, transposed};
  }
  Matrix from_column(int64_t j) const {
    return {data + (transposed ? j * leading : j), leading, transposed};
  }
};

inline CBLAS_TRANSPOSE blas_flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

// c[m,n] = a[m,k] b[k,n], where the rows of c are `leading` elements apart.
inline void gemm(int64_t m, int64_t n, int64_t k, Matrix<float> a, Matrix<float> b, float* c,
                 int64_t leading) {
  cblas_sgemm(CblasRowMajor, blas_flag(a.transposed), blas_flag(b.transposed), m, n, k, 1, a.data,
              a.leading, b.data, b.leading, 0, c, leading);
}

inline void gemm(int64_t m, int64_t n, int64_t k, Matrix<double> a, Matrix<double> b, double* c,
                 int64_t leading) {
  cblas_dgemm(CblasRowMajor, blas_flag(a.transposed), blas_flag(b.transposed), m, n, k, 1, a.data,
              a.leading, b.data, b.leading, 0, c, leading);
}

// y[m] = a[m,k] x, where the elements of x are `step` apart.
inline void gemv(int64_t m, int64_t k, Matrix<float> a, const float* x, int64_t step, float* y) {
  const int64_t rows = a.transposed ? k : m, columns = a.transposed ? m : k;
  cblas_sgemv(CblasRowMajor, blas_flag(a.transposed), rows, columns, 1, a.data, a.leading, x, step,
              0, y, 1);
}

inline void gemv(int64_t m, int64_t k, Matrix<double> a, const double* x, int64_t step, double* y) {
  const int64_t rows = a.transposed ? k : m, columns = a.transposed ? m : k;
  cblas_dgemv(CblasRowMajor, blas_flag(a.transposed), rows, columns, 1, a.data, a.leading, x, step,
              0, y, 1);
}

}  // namespace chainrule::CHAINRULE_ISA
