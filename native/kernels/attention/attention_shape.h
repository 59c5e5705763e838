#pragma once

#include <string>
#include <vector>

#include "kernels/factory.h"

namespace chainrule::CHAINRULE_ISA {

// The operands and attributes that both directions of attention share: queries [..., T, heads, D],
// keys [..., S, heads, D], values [..., S, heads, V], read through strides, and masks
// [..., heads, T, S], each of whose dimensions may be 1.
struct AttentionShape {
  explicit AttentionShape(const StepReader& step)
      : query(step.operand("query")),
        key(step.operand("key")),
        value(step.operand("value")),
        scale(step.number("scale")),
        causal(step.boolean("causal")),
        dropout(step.number("dropout")) {
    const int64_t rank = query.rank();
    require(step, rank >= 3 && key.rank() == rank && value.rank() == rank, "ranks differ");
    require(step, key.dtype == query.dtype && value.dtype == query.dtype, "dtypes differ");
    leading.assign(query.shape.begin(), query.shape.end() - 3);
    batches = product(leading);
    queries = query.dim(-3), heads = query.dim(-2), features = query.dim(-1);
    keys = key.dim(-3), width = value.dim(-1);
    require_like(step, query, queries, features);
    require_like(step, key, keys, features);
    require_like(step, value, keys, width);
    require(step, keys > 0 && features > 0 && width > 0, "operands are empty");
    require(step, dropout >= 0 && dropout < 1, "dropout must be in [0, 1)");
    read_masks(step);
  }

  // Numbers of all rows of queries, and of the elements of their results.
  int64_t rows() const { return product({batches, queries, heads}); }
  int64_t results() const { return product({rows(), width}); }

  // Numbers of the forward pass's output: the results, and two statistics of each row of queries.
  int64_t saved() const { return results() + 2 * rows(); }

  // Calls visit(batch, head) for all of them.
  template <typename Visit>
  void for_each_head(Visit visit) const {
    for (int64_t batch = 0; batch < batches; ++batch) {
      for (int64_t head = 0; head < heads; ++head) visit(batch, head);
    }
  }

  // True if a query may attend to some of the keys only.
  bool limited() const { return causal || !masks.empty(); }

  // The number of keys that queries before `last` may attend to.
  int64_t keys_before(int64_t last) const { return causal ? std::min(last, keys) : keys; }

  // Throws unless the operand is [leading..., length, heads, size], of the dtype of the queries.
  void require_like(const StepReader& step, const Operand& operand, int64_t length,
                    int64_t size) const {
    Dims expected = leading;
    expected.insert(expected.end(), {length, heads, size});
    require(step, operand.shape == expected && operand.dtype == query.dtype,
            "operands do not fit each other");
  }

  // Elements from an operand's start to its part for one batch.
  int64_t offset(const Operand& operand, int64_t batch) const {
    int64_t elements = 0;
    for (auto axis = static_cast<int64_t>(leading.size()) - 1; axis >= 0; --axis) {
      if (operand.shape[axis] != 1) elements += batch % leading[axis] * operand.strides[axis];
      batch /= leading[axis];
    }
    return elements;
  }

  Operand query, key, value;
  std::vector<Operand> masks;
  double scale;
  bool causal;
  double dropout;
  Dims leading;
  int64_t batches, queries, heads, features, keys, width;

 private:
  void read_masks(const StepReader& step) {
    Dims whole = leading;
    whole.insert(whole.end(), {heads, queries, keys});
    const auto name = [&] { return "mask" + std::to_string(masks.size()); };
    while (step.has(name().c_str())) {
      const Operand mask = step.operand(name().c_str());
      require(step, mask.rank() == query.rank(), "a mask has another rank");
      for (int64_t i = 0; i < mask.rank(); ++i) {
        require(step, mask.shape[i] == 1 || mask.shape[i] == whole[i], "a mask does not broadcast");
      }
      require(step, mask.dtype == DType::kBool || mask.dtype == query.dtype,
              "a mask must be bool or of the dtype of the queries");
      masks.push_back(mask);
    }
  }
};

// The rows of one head, which may lie apart, as may the elements of a row.
template <typename T>
struct HeadRows {
  T* data;
  int64_t across, along;

  T* row(int64_t i) const { return data + i * across; }
};

// The rows of an operand for one batch and head.
template <typename T>
HeadRows<T> head_rows(const AttentionShape& shape, const Operand& operand, T* base, int64_t batch,
                      int64_t head) {
  return {base + shape.offset(operand, batch) + head * operand.stride(-2), operand.stride(-3),
          operand.stride(-1)};
}

}  // namespace chainrule::CHAINRULE_ISA
