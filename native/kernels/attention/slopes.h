#pragma once

#include "kernels/attention/attention_block.h"

namespace chainrule::CHAINRULE_ISA {

// What the gradient needs to know of the rows of a block of queries.
template <typename T>
struct RowStatistics {
  alignas(64) T top[kQueries<T>];    // of the scores
  alignas(64) T share[kQueries<T>];  // the reciprocal of the sum of the weights
  alignas(64) T mean[kQueries<T>];   // of the slopes, by the weights
};

// Adds up the mean of the slopes: the product of a row of the results and its gradient, both of
// which are turned.
template <typename T>
void add_to_mean(const T* __restrict results, const T* __restrict gradients, int64_t size,
                 T* __restrict mean) {
  for (int64_t j = 0; j < size; ++j, results += kQueries<T>, gradients += kQueries<T>) {
    for (int64_t i = 0; i < kQueries<T>; ++i) mean[i] += gradients[i] * results[i];
  }
}

// Makes weights of exponentials, and of the gradients of the weights those of the products of
// queries and keys.
template <typename T>
void make_slopes(int64_t keys, const RowStatistics<T>& rows, T scale, T* __restrict weights,
                 T* __restrict slopes) {
  for (int64_t s = 0; s < keys; ++s, weights += kQueries<T>, slopes += kQueries<T>) {
    for (int64_t i = 0; i < kQueries<T>; ++i) {
      weights[i] *= rows.share[i];
      slopes[i] = weights[i] * (slopes[i] - rows.mean[i]) * scale;
    }
  }
}

// The same with dropout: `kept` is 1 for the weights that are kept, and 0 for the others.
template <typename T>
void make_slopes(int64_t keys, const RowStatistics<T>& rows, T scale, const T* __restrict kept,
                 T keep_factor, T* __restrict weights, T* __restrict slopes) {
  for (int64_t s = 0; s < keys; ++s, weights += kQueries<T>, slopes += kQueries<T>) {
    for (int64_t i = 0; i < kQueries<T>; ++i) {
      const T weight = weights[i] * rows.share[i], keep = kept[i] * keep_factor;
      slopes[i] = weight * (slopes[i] * keep - rows.mean[i]) * scale;
      weights[i] = weight * keep;
    }
    kept += kQueries<T>;
  }
}

}  // namespace chainrule::CHAINRULE_ISA
