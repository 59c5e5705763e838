#pragma once

#include "kernels/attention/attention_scores.h"
#include "kernels/vector/math.h"

namespace chainrule::CHAINRULE_ISA {

// exp(x) for x <= 0. Where it is not a normal number, it is 0: the power of two has exponent 0
// there.
template <typename T>
inline T decay(T x) {
  constexpr T kLow = sizeof(T) == 4 ? T(-88) : T(-709);
  return moderate_exp(x < kLow ? kLow : x);
}

// exp(scores - top) in place, for a block of scores.
template <typename T>
void exponentials(T* __restrict scores, int64_t keys, const T* __restrict top) {
  for (int64_t s = 0; s < keys; ++s, scores += kQueries<T>) {
    for (int64_t i = 0; i < kQueries<T>; ++i) scores[i] = decay(scores[i] - top[i]);
  }
}

// The softmax of kQueries rows, whose scores come block by block (Milakov & Gimelshein 2018).
template <typename T>
class OnlineSoftmax {
 public:
  // Queries that may not attend to a key that no block holds count its score as well.
  OnlineSoftmax(const AttentionShape& shape, int64_t first_query) {
    for (int64_t i = 0; i < kQueries<T>; ++i) {
      const bool ends = shape.causal && first_query + i + 1 < shape.keys;
      largest_[i] = ends ? kForbidden<T> : -std::numeric_limits<T>::infinity();
      top_[i] = sum_[i] = T(0);
    }
  }

  // Turns scores into weights, relative to the largest score so far.
  void weigh(T* scores, int64_t keys) {
    for (int64_t i = 0; i < kQueries<T>; ++i) correction_[i] = largest_[i];
    each_vector([&](int64_t at) {
      Vector most = load(largest_ + at);
      for (int64_t s = 0; s < keys; ++s) {
        const Vector score = load(scores + s * kQueries<T> + at);
        most = score > most ? score : most;
      }
      store<false, kLanes>(most, largest_ + at);
    });
    for (int64_t i = 0; i < kQueries<T>; ++i) {
      // Without a score above minus infinity there is no difference to it.
      top_[i] = largest_[i] == -std::numeric_limits<T>::infinity() ? T(0) : largest_[i];
      correction_[i] = decay(correction_[i] - top_[i]);
    }
    exponentials(scores, keys, top_);
    each_vector([&](int64_t at) {
      Vector sum = load(sum_ + at) * load(correction_ + at);
      for (int64_t s = 0; s < keys; ++s) sum += load(scores + s * kQueries<T> + at);
      store<false, kLanes>(sum, sum_ + at);
    });
  }

  // What sums of earlier blocks are multiplied by, to be relative to the largest score so far.
  const T* correction() const { return correction_; }

  // What the weights are relative to.
  const T* top() const { return top_; }

  // The reciprocals of the sums of the weights; 0 for a row all of whose keys are forbidden.
  void shares(bool limited, T* share) const {
    for (int64_t i = 0; i < kQueries<T>; ++i) {
      share[i] = limited && !(largest_[i] > kForbidden<T>) ? T(0) : T(1) / sum_[i];
    }
  }

 private:
  static constexpr int kLanes = kVectorBytes / sizeof(T);
  using Vector = typename VectorOf<T, kLanes>::type;

  static Vector load(const T* from) { return *reinterpret_cast<const Vector*>(from); }

  template <typename Visit>
  static void each_vector(Visit visit) {
    for (int64_t at = 0; at < kQueries<T>; at += kLanes) visit(at);
  }

  alignas(64) T largest_[kQueries<T>];
  alignas(64) T top_[kQueries<T>];
  alignas(64) T sum_[kQueries<T>];
  alignas(64) T correction_[kQueries<T>];
};

}  // namespace chainrule::CHAINRULE_ISA
