#include "kernels/attention/attention_scores.h"
#include "kernels/attention/softmax.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// softmax(query key^T * scale) value without a matrix of weights in memory (Dao et al. 2022): the
// softmax of each row is corrected as its maximum grows from block to block. The output holds the
// results [..., T, heads, V], and behind them the statistics of each row for the gradient.
template <typename T>
class Attention final : public Kernel {
 public:
  explicit Attention(const StepReader& step)
      : shape_(step),
        restrictions_(step, shape_),
        keys_(shape_, shape_.key),
        values_(shape_, shape_.value),
        output_(step.operand("output")),
        workspace_(step.workspace()) {
    require(step, output_.dtype == shape_.query.dtype && output_.contiguous(),
            "output is not contiguous");
    require(step, output_.elements() == shape_.saved(), "output has another size");
  }

  int64_t workspace_bytes() const override { return Buffers(*this, nullptr).bytes; }

  void run(const Run& run) const override {
    restrictions_.start(run);
    const Buffers buffers(*this, run.at<std::byte>(workspace_));
    AbortCheck check;
    shape_.for_each_head(
        [&](int64_t batch, int64_t head) { attend(run, batch, head, buffers, check); });
  }

 private:
  struct Buffers {
    Buffers(const Attention& kernel, std::byte* start) {
      const auto& [features, width] = std::pair(kernel.shape_.features, kernel.shape_.width);
      Pieces pieces(start);
      keys = pieces.take<T>(kernel.keys_.elements());
      values = pieces.take<T>(kernel.values_.elements());
      rows = pieces.take<T>(kQueries<T> * padded<T>(features));
      query = pieces.take<T>(kQueries<T> * features);
      weights = pieces.take<T>(kQueries<T> * kBlockKeys);
      result = pieces.take<T>(kQueries<T> * width);
      restrictions = pieces.take<T>(kernel.restrictions_.elements());
      bytes = pieces.bytes();
    }

    T *keys, *values, *rows, *query, *weights, *result, *restrictions;
    int64_t bytes;
  };

  void attend(const Run& run, int64_t batch, int64_t head, const Buffers& buffers,
              AbortCheck& check) const {
    const auto rows = [&](const Operand& operand) {
      return head_rows(shape_, operand, run.at<const T>(operand), batch, head);
    };
    const HeadRows<const T> queries = rows(shape_.query);
    const HeadRows<const T> keys = keys_.load(rows(shape_.key), buffers.keys);
    const HeadRows<const T> values = values_.load(rows(shape_.value), buffers.values);
    T* const output = run.at<T>(output_);
    const int64_t wide = shape_.heads * shape_.width;
    const HeadRows<T> results{output + batch * shape_.queries * wide + head * shape_.width, wide,
                              1};
    T* const statistics =
        output + shape_.results() + (batch * shape_.heads + head) * 2 * shape_.queries;
    for (int64_t first = 0; first < shape_.queries; first += kQueries<T>) {
      const int64_t count = std::min(kQueries<T>, shape_.queries - first);
      turn_rows(queries, first, count, shape_.features, buffers.rows, buffers.query);
      scale_turned(buffers.query, shape_.features, static_cast<T>(shape_.scale));
      Place at{batch, head, first, count, 0, 0};
      OnlineSoftmax<T> softmax(shape_, first);
      attend_block(run, at, keys, values, buffers, softmax, check);
      alignas(64) T share[kQueries<T>];
      softmax.shares(shape_.limited(), share);
      std::copy_n(softmax.top(), count, statistics + first);
      std::copy_n(share, count, statistics + shape_.queries + first);
      if (restrictions_.drops()) {
        for (T& each : share) each *= restrictions_.keep_factor();
      }
      scale_queries(buffers.result, shape_.width, share);
      store_turned(buffers.result, count, shape_.width, results, first);
    }
  }

  // The weighted sum of the values, [V, queries], before its division by the sum of the weights.
  void attend_block(const Run& run, Place at, const HeadRows<const T>& keys,
                    const HeadRows<const T>& values, const Buffers& buffers,
                    OnlineSoftmax<T>& softmax, AbortCheck& check) const {
    const Panels<T> panels(at.queries);
    const int64_t end = shape_.keys_before(at.first_query + at.queries);
    for (at.first_key = 0; at.first_key < end; at.first_key += kBlockKeys) {
      at.keys = std::min(kBlockKeys, end - at.first_key);
      multiply_block<T>(panels, {keys.row(at.first_key), keys.across, 1}, at.keys, shape_.features,
                        buffers.query, kQueries<T>, false, buffers.weights, kQueries<T>);
      restrictions_.forbid(run, at, buffers.weights, buffers.restrictions);
      softmax.weigh(buffers.weights, at.keys);
      if (at.first_key > 0) scale_queries(buffers.result, shape_.width, softmax.correction());
      if (restrictions_.drops()) {
        const T* kept = restrictions_.draw(at, buffers.restrictions);
        for (int64_t i = 0; i < at.keys * kQueries<T>; ++i) buffers.weights[i] *= kept[i];
      }
      multiply_block<T>(panels, {values.row(at.first_key), 1, values.across}, shape_.width, at.keys,
                        buffers.weights, kQueries<T>, at.first_key > 0, buffers.result,
                        kQueries<T>);
      check.after(product_work(at.queries, at.keys, shape_.features + shape_.width));
    }
  }

  AttentionShape shape_;
  Restrictions<T> restrictions_;
  Side<T> keys_, values_;
  Operand output_, workspace_;
};

}  // namespace

std::unique_ptr<Kernel> make_attention(const StepReader& step) {
  return make_floating<Attention>(step.operand("query").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
