#pragma once

#include <algorithm>
#include <span>

#include "kernels/gemm/gemm_lanes.h"
#include "kernels/gemm/gemm_product.h"
#include "kernels/gemm/gemm_stream.h"

namespace chainrule::CHAINRULE_ISA {

// True if the addon multiplies by itself: elsewhere, the BLAS is faster.
inline constexpr bool kHasProduct = kVectorBytes >= 32;

// The product c[m, n] = a[m, k] b[k, n] of matrices with contiguous rows or columns, by one of
// three ways. The order of the sums follows from the layout of b and from k alone (gemm_order.h);
// the rest is a matter of speed.
template <typename T>
class MatrixProduct {
 public:
  using Term = typename Product<T>::Term;

  MatrixProduct(int64_t m, int64_t n, int64_t k, Layout a, Layout b)
      : m_(m), n_(n), k_(k), a_(a), b_(b), blocks_(m, n, k, a, b), tiles_(blocks_, a, b) {
    const bool b_along = b.along == 1;
    if (b_along && k >= kLongLanes) {
      way_ = Way::kLanes;
    } else if (!b_along && !blocks_.narrow && (m <= few_rows() || k <= kFewTerms)) {
      way_ = Way::kStream;
    }
  }

  // Elements of the workspace, the same for all instruction sets.
  int64_t workspace() const { return sums() || copies() > kFewCopies ? copies() : 0; }

  void run(const T* a, const T* b, T* c, T* workspace) const {
    if (copies() > kFewCopies) return multiply(a, b, c, workspace);
    alignas(64) T few[kFewCopies];
    multiply(a, b, c, few);
  }

  // True if each result is one sum in registers, so that sums of products have the same bits if
  // they are made in registers as well. Smaller results stay in a cache, where adding them takes no
  // longer.
  bool sums() const { return way_ != Way::kLanes && tiles_.is_simple() && m_ * n_ >= kLeastSum; }

  // c = the sum of the products in the order of a postfix program (see sync/combine.h). Requires
  // sums().
  void run_sum(std::span<const Term> terms, std::span<const int32_t> program, T* c) const {
    tiles_.run_sum(terms, program, c);
  }

 private:
  enum class Way { kLanes, kStream, kTiles };

  // Rows up to which copies of panels would not be read often enough. With 16 registers, streaming
  // takes more passes over b, which are slow where b is beyond the caches.
  int64_t few_rows() const { return kRegisters == 16 && is_far() ? kFewRowsFar : kFewRows; }
  bool is_far() const { return k_ * n_ >= kFarElements; }

  // Elements that the operands' copies take, on any instruction set.
  int64_t copies() const {
    if (way_ == Way::kLanes) return LaneProduct<T>::workspace(m_, n_, k_, a_);
    const int64_t panels = blocks_.workspace();
    const bool depends = is_far() && m_ > kFewRowsFar && m_ <= kFewRows;
    if (way_ == Way::kTiles && !depends) return panels;
    const int64_t streamed = StreamProduct<T>::workspace(m_, n_, k_);
    if (depends) return std::max(panels, streamed);
    // Sums of products take the tiles.
    return sums() ? panels : streamed;
  }

  void multiply(const T* a, const T* b, T* c, T* workspace) const {
    switch (way_) {
      case Way::kLanes:
        return LaneProduct<T>::run(m_, n_, k_, a, a_, b, b_.across, c, workspace);
      case Way::kStream:
        return StreamProduct<T>::run(m_, n_, k_, a, a_, b, b_.along, c, workspace);
      default:
        return tiles_.run(a, b, c, workspace);
    }
  }

  // Copies of up to this many elements lie on the stack, so that small products take no workspace.
  static constexpr int64_t kFewCopies = 4096;

  static constexpr int64_t kFewRows = 48, kFewRowsFar = GemmBlocks::kOften - 1;
  // Elements of a matrix that is beyond the caches.
  static constexpr int64_t kFarElements = 1 << 20;
  // Up to so many terms, copies of a panel would not be read often enough.
  static constexpr int64_t kFewTerms = 64, kLeastSum = 1 << 14;

  int64_t m_, n_, k_;
  Layout a_, b_;
  GemmBlocks blocks_;
  Product<T> tiles_;
  Way way_ = Way::kTiles;
};

}  // namespace chainrule::CHAINRULE_ISA
