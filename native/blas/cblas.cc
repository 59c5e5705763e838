#include "cblas.h"

#include <algorithm>
#include <cstdint>

namespace {

// A block of `b` that stays in the caches while all rows of `a` pass.
constexpr int64_t kDepth = 128;
constexpr int64_t kColumns = 128;

template <typename T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++) {
    // A zero overwrites: what `c` held may be NaN.
    for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
  }
  T block[kDepth * kColumns];
  for (int64_t first = 0; first < k; first += kDepth) {
    const int64_t depth = std::min(kDepth, k - first);
    for (int64_t left = 0; left < n; left += kColumns) {
      const int64_t columns = std::min(kColumns, n - left);
      for (int64_t p = 0; p < depth; p++) {
        for (int64_t j = 0; j < columns; j++) {
          const int64_t row = first + p, column = left + j;
          block[p * kColumns + j] = trans_b ? b[column * ldb + row] : b[row * ldb + column];
        }
      }
      for (int64_t i = 0; i < m; i++) {
        T* out = c + i * ldc + left;
        for (int64_t p = 0; p < depth; p++) {
          const int64_t row = first + p;
          const T factor = alpha * (trans_a ? a[row * lda + i] : a[i * lda + row]);
          const T* values = block + p * kColumns;
          for (int64_t j = 0; j < columns; j++) out[j] += factor * values[j];
        }
      }
    }
  }
}

template <typename T>
void gemv(bool trans, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x,
          int64_t incx, T beta, T* y, int64_t incy) {
  const int64_t results = trans ? n : m;
  for (int64_t i = 0; i < results; i++) y[i * incy] = beta == 0 ? 0 : beta * y[i * incy];
  for (int64_t i = 0; i < m; i++) {
    const T* row = a + i * lda;
    if (trans) {
      for (int64_t j = 0; j < n; j++) y[j * incy] += alpha * x[i * incx] * row[j];
    } else {
      T sum = 0;
      for (int64_t j = 0; j < n; j++) sum += row[j] * x[j * incx];
      y[i * incy] += alpha * sum;
    }
  }
}

}  // namespace

void cblas_sgemm(CBLAS_ORDER, CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, int m, int n, int k,
                 float alpha, const float* a, int lda, const float* b, int ldb, float beta,
                 float* c, int ldc) {
  gemm(trans_a == CblasTrans, trans_b == CblasTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void cblas_dgemm(CBLAS_ORDER, CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, int m, int n, int k,
                 double alpha, const double* a, int lda, const double* b, int ldb, double beta,
                 double* c, int ldc) {
  gemm(trans_a == CblasTrans, trans_b == CblasTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void cblas_sgemv(CBLAS_ORDER, CBLAS_TRANSPOSE trans, int m, int n, float alpha, const float* a,
                 int lda, const float* x, int incx, float beta, float* y, int incy) {
  gemv(trans == CblasTrans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

void cblas_dgemv(CBLAS_ORDER, CBLAS_TRANSPOSE trans, int m, int n, double alpha, const double* a,
                 int lda, const double* x, int incx, double beta, double* y, int incy) {
  gemv(trans == CblasTrans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
