#pragma once

#include <limits>
#include <optional>

#include "kernels/attention/attention_block.h"
#include "kernels/vector/uniform_stream.h"

namespace chainrule::CHAINRULE_ISA {

// Where a block lies: some queries of a head, and some of its keys.
struct Place {
  int64_t batch, head, first_query, queries, first_key, keys;
};

// What stands for the score of a key that a query may not attend to: finite, because differences of
// infinities are NaN.
template <typename T>
inline constexpr T kForbidden = std::numeric_limits<float>::lowest();

// The masks and the dropout of attention, for one block at a time.
template <typename T>
class Restrictions {
 public:
  Restrictions(const StepReader& step, const AttentionShape& shape) : shape_(shape) {
    if (!drops()) return;
    const auto key = static_cast<uint32_t>(step.integer("randomKey"));
    const Dims drawn = step.integers("drawn");
    require(step, product(drawn) == product({shape.rows(), shape.keys}),
            "another number of weights is drawn");
    uniform_.emplace(key, drawn, kBlockKeys);
  }

  // Elements of workspace.
  int64_t elements() const {
    return shape_.masks.empty() && !drops() ? 0 : 2 * kBlockKeys * kQueries<T>;
  }

  bool drops() const { return shape_.dropout > 0; }

  // What the weights that are kept are multiplied by.
  T keep_factor() const { return T(1) / T(1 - shape_.dropout); }

  // Begins to draw the numbers of a run.
  void start(const Run& run) const {
    if (uniform_) uniform_->start(run);
  }

  // Applies the masks to the scores of a block.
  void forbid(const Run& run, const Place& at, T* scores, T* workspace) const {
    for (const Operand& mask : shape_.masks) {
      if (mask.dtype == DType::kBool) {
        apply(mask, run.at<const uint8_t>(mask), at, scores, workspace,
              [](T score, T allowed) { return allowed != T(0) ? score : kForbidden<T>; });
      } else {
        apply(mask, run.at<const T>(mask), at, scores, workspace, [](T score, T bias) {
          const T sum = score + bias;
          return sum < kForbidden<T> ? kForbidden<T> : sum;
        });
      }
    }
    if (shape_.causal) forbid_later(at, scores);
  }

  // Draws for a block of weights: 1 for each that is kept, 0 for the others.
  const T* draw(const Place& at, T* workspace) const {
    T* rows = workspace + kBlockKeys * kQueries<T>;
    const auto rate = static_cast<T>(shape_.dropout);
    for (int64_t i = 0; i < at.queries; ++i) {
      const int64_t row = (at.batch * shape_.heads + at.head) * shape_.queries + at.first_query + i;
      const T* numbers = uniform_->fetch(row * shape_.keys + at.first_key, at.keys);
      T* to = rows + i * kBlockKeys;
      for (int64_t s = 0; s < at.keys; ++s) to[s] = numbers[s] >= rate ? T(1) : T(0);
    }
    turn(rows, at, workspace);
    return workspace;
  }

 private:
  // Rows of kBlockKeys elements, one for each query, into the order of scores.
  static void turn(const T* rows, const Place& at, T* to) {
    turn_rows<T>({rows, kBlockKeys, 1}, 0, at.queries, at.keys, nullptr, to);
  }

  void forbid_later(const Place& at, T* scores) const {
    for (int64_t s = 0; s < at.keys; ++s) {
      const int64_t before = at.first_key + s - at.first_query;
      if (before > 0)
        std::fill_n(scores + s * kQueries<T>, std::min(before, kQueries<T>), kForbidden<T>);
    }
  }

  template <typename M, typename Combine>
  void apply(const Operand& mask, const M* values, const Place& at, T* scores, T* workspace,
             Combine combine) const {
    const auto step = [&](int64_t axis) { return mask.dim(axis) == 1 ? 0 : mask.stride(axis); };
    const int64_t down = step(-2), along = step(-1);
    const M* from = values + shape_.offset(mask, at.batch) + at.head * step(-3) +
                    at.first_query * down + at.first_key * along;
    if (down == 0) {
      for (int64_t s = 0; s < at.keys; ++s) {
        const T value = static_cast<T>(from[s * along]);
        T* row = scores + s * kQueries<T>;
        for (int64_t i = 0; i < kQueries<T>; ++i) row[i] = combine(row[i], value);
      }
      return;
    }
    T* rows = workspace + kBlockKeys * kQueries<T>;
    for (int64_t i = 0; i < at.queries; ++i) {
      for (int64_t s = 0; s < at.keys; ++s) {
        rows[i * kBlockKeys + s] = static_cast<T>(from[i * down + s * along]);
      }
    }
    turn(rows, at, workspace);
    for (int64_t i = 0; i < at.keys * kQueries<T>; ++i)
      scores[i] = combine(scores[i], workspace[i]);
  }

  const AttentionShape& shape_;
  mutable std::optional<UniformStream<T>> uniform_;
};

}  // namespace chainrule::CHAINRULE_ISA
