// Compares the routines of native/blas with their definition, for sizes around those of its blocks.
// Prints what differs.
#include <cmath>
#include <cstdio>
#include <vector>

#include "blas/cblas.h"

namespace {

int failures = 0;
unsigned state = 1;

double next() {
  state = state * 1664525 + 1013904223;
  return (state >> 8) / double(1 << 24) - 0.5;
}

template <typename T>
std::vector<T> values(int count) {
  std::vector<T> result(count);
  for (T& value : result) value = static_cast<T>(next());
  return result;
}

void gemm(int m, int n, int k, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(int m, int n, int k, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, double alpha,
          const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemv(CBLAS_TRANSPOSE t, int m, int n, float alpha, const float* a, int lda, const float* x,
          int incx, float beta, float* y, int incy) {
  cblas_sgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
void gemv(CBLAS_TRANSPOSE t, int m, int n, double alpha, const double* a, int lda, const double* x,
          int incx, double beta, double* y, int incy) {
  cblas_dgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

void compare(double found, double wanted, double tolerance, const char* what, int m, int n, int k) {
  if (std::abs(found - wanted) <= tolerance) return;
  failures++;
  if (failures < 10)
    std::printf("%s %d x %d x %d: %g instead of %g\n", what, m, n, k, found, wanted);
}

template <typename T>
void products(int m, int n, int k, double tolerance) {
  constexpr int gap = 3;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const T beta : {T(0), T(0.5)}) {
        const int lda = (ta ? m : k) + gap, ldb = (tb ? k : n) + gap, ldc = n + gap;
        const auto a = values<T>((ta ? k : m) * lda), b = values<T>((tb ? n : k) * ldb);
        auto c = values<T>(m * ldc);
        if (beta == 0) c[0] = NAN;
        const auto before = c;
        const auto flag = [](bool transposed) { return transposed ? CblasTrans : CblasNoTrans; };
        gemm(m, n, k, flag(ta), flag(tb), T(1.5), a.data(), lda, b.data(), ldb, beta, c.data(),
             ldc);
        for (int i = 0; i < m; i++) {
          for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int p = 0; p < k; p++)
              sum += double(ta ? a[p * lda + i] : a[i * lda + p]) *
                     double(tb ? b[j * ldb + p] : b[p * ldb + j]);
            const double old = beta == 0 ? 0 : beta * before[i * ldc + j];
            compare(c[i * ldc + j], 1.5 * sum + old, tolerance, "gemm", m, n, k);
          }
          for (int j = n; j < ldc; j++)
            compare(c[i * ldc + j], before[i * ldc + j], 0, "the gap", m, n, k);
        }
      }
    }
  }
}

template <typename T>
void vectors(int m, int n, double tolerance) {
  constexpr int incx = 2, incy = 3;
  for (const bool transposed : {false, true}) {
    for (const T beta : {T(0), T(0.5)}) {
      const int lda = n + 1, length = transposed ? m : n, results = transposed ? n : m;
      const auto a = values<T>(m * lda), x = values<T>(length * incx);
      auto y = values<T>(results * incy);
      if (beta == 0) y[0] = NAN;
      const auto before = y;
      gemv(transposed ? CblasTrans : CblasNoTrans, m, n, T(1.5), a.data(), lda, x.data(), incx,
           beta, y.data(), incy);
      for (int i = 0; i < results; i++) {
        double sum = 0;
        for (int p = 0; p < length; p++)
          sum += double(transposed ? a[p * lda + i] : a[i * lda + p]) * double(x[p * incx]);
        const double old = beta == 0 ? 0 : beta * before[i * incy];
        compare(y[i * incy], 1.5 * sum + old, tolerance, "gemv", m, n, 1);
      }
    }
  }
}

}  // namespace

int main() {
  const int sizes[] = {1, 7, 128, 131};
  for (const int m : sizes) {
    for (const int n : sizes) {
      for (const int k : sizes) {
        products<float>(m, n, k, 1e-4);
        products<double>(m, n, k, 1e-12);
      }
      vectors<float>(m, n, 1e-4);
      vectors<double>(m, n, 1e-12);
    }
  }
  return failures == 0 ? 0 : 1;
}
