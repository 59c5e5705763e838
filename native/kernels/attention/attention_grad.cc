#include <algorithm>
#include <utility>

#include "kernels/attention/attention_scores.h"
#include "kernels/attention/slopes.h"
#include "kernels/attention/softmax.h"
#include "sync/abort.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

// The gradients of attention with respect to queries, keys and values. The weights are computed
// again, block by block, from the statistics that the forward pass left behind its results.
template <typename T>
class AttentionGrad final : public Kernel {
 public:
  explicit AttentionGrad(const StepReader& step)
      : shape_(step),
        restrictions_(step, shape_),
        keys_(shape_, shape_.key),
        values_(shape_, shape_.value),
        gradient_(step.operand("gradient")),
        saved_(step.operand("saved")),
        output_(step.operand("output")),
        workspace_(step.workspace()) {
    shape_.require_like(step, gradient_, shape_.queries, shape_.width);
    const DType dtype = shape_.query.dtype;
    require(step, saved_.dtype == dtype && saved_.contiguous(), "saved is not contiguous");
    require(step, saved_.elements() == shape_.saved(), "saved has another size");
    require(step, output_.dtype == dtype && output_.contiguous(), "output is not contiguous");
    const Dims places = step.integers("places");
    require(step, places.size() == 6, "places must be three pairs");
    query_place_ = place(step, {places[0], places[1]}, shape_.queries, shape_.features);
    key_place_ = place(step, {places[2], places[3]}, shape_.keys, shape_.features);
    value_place_ = place(step, {places[4], places[5]}, shape_.keys, shape_.width);
  }

  int64_t workspace_bytes() const override { return Buffers(*this, nullptr).bytes; }

  void run(const Run& run) const override {
    restrictions_.start(run);
    const Buffers buffers(*this, run.at<std::byte>(workspace_));
    AbortCheck check;
    shape_.for_each_head(
        [&](int64_t batch, int64_t head) { differentiate(run, batch, head, buffers, check); });
  }

 private:
  // Where one of the gradients lies in the output: its first element, and the distance of the rows
  // of two positions, in which the heads lie side by side.
  struct Part {
    int64_t start, step, length, size;
  };

  struct Buffers {
    Buffers(const AttentionGrad& kernel, std::byte* start) {
      const AttentionShape& shape = kernel.shape_;
      const int64_t features = padded<T>(shape.features), width = padded<T>(shape.width);
      Pieces pieces(start);
      keys = pieces.take<T>(kernel.keys_.elements());
      values = pieces.take<T>(kernel.values_.elements());
      const int64_t aside = copies_keys<T>(shape) ? shape.keys : 0;
      key_sums = pieces.take<T>(aside * features);
      value_sums = pieces.take<T>(aside * width);
      query_rows = pieces.take<T>(kQueries<T> * features);
      gradient_rows = pieces.take<T>(kQueries<T> * width);
      query = pieces.take<T>(kQueries<T> * features);
      gradient = pieces.take<T>(kQueries<T> * width);
      query_sums = pieces.take<T>(kQueries<T> * features);
      weights = pieces.take<T>(kQueries<T> * kBlockKeys);
      slopes = pieces.take<T>(kQueries<T> * kBlockKeys);
      restrictions = pieces.take<T>(kernel.restrictions_.elements());
      bytes = pieces.bytes();
    }

    T *keys, *values, *key_sums, *value_sums, *query_rows, *gradient_rows, *query, *gradient,
        *query_sums, *weights, *slopes, *restrictions;
    int64_t bytes;
  };

  // The gradients of the keys and values of a head, summed up over blocks of queries.
  struct Sums {
    HeadRows<T> keys, values;
  };

  Part place(const StepReader& step, std::pair<int64_t, int64_t> at, int64_t length,
             int64_t size) const {
    const auto [start, apart] = at;
    const int64_t rows = product({shape_.batches, length}), row = product({shape_.heads, size});
    require(step, start >= 0 && apart >= row, "places overlap");
    require(step, rows == 0 || start + product({rows - 1, apart}) + row <= output_.elements(),
            "places lie outside of the output");
    return {start, apart, length, size};
  }

  HeadRows<T> part_rows(const Part& part, T* output, int64_t batch, int64_t head) const {
    return {output + part.start + batch * part.length * part.step + head * part.size, part.step, 1};
  }

  void differentiate(const Run& run, int64_t batch, int64_t head, const Buffers& buffers,
                     AbortCheck& check) const {
    const auto rows = [&](const Operand& operand) {
      return head_rows(shape_, operand, run.at<const T>(operand), batch, head);
    };
    const int64_t features = padded<T>(shape_.features), width = padded<T>(shape_.width);
    const HeadRows<const T> queries = rows(shape_.query), gradients = rows(gradient_);
    const HeadRows<const T> keys = keys_.load(rows(shape_.key), buffers.keys);
    const HeadRows<const T> values = values_.load(rows(shape_.value), buffers.values);
    T* const output = run.at<T>(output_);
    const HeadRows<T> query_sums = part_rows(query_place_, output, batch, head);
    const HeadRows<T> key_results = part_rows(key_place_, output, batch, head);
    const HeadRows<T> value_results = part_rows(value_place_, output, batch, head);
    const bool aside = copies_keys<T>(shape_);
    const Sums sums{aside ? HeadRows<T>{buffers.key_sums, features, 1} : key_results,
                    aside ? HeadRows<T>{buffers.value_sums, width, 1} : value_results};
    for (int64_t first = 0; first < shape_.queries; first += kQueries<T>) {
      const Place at{batch, head, first, std::min(kQueries<T>, shape_.queries - first), 0, 0};
      copy_rows(queries, first, at.queries, shape_.features, buffers.query_rows, features);
      copy_rows(gradients, first, at.queries, shape_.width, buffers.gradient_rows, width);
      turn_rows<T>({buffers.query_rows, features, 1}, 0, at.queries, shape_.features, nullptr,
                   buffers.query);
      turn_rows<T>({buffers.gradient_rows, width, 1}, 0, at.queries, shape_.width, nullptr,
                   buffers.gradient);
      scale_turned(buffers.query, shape_.features, static_cast<T>(shape_.scale));
      RowStatistics<T> statistics;
      read_statistics(run.at<const T>(saved_), at, buffers, statistics);
      differentiate_block(run, at, keys, values, buffers, statistics, sums, check);
      store_turned(buffers.query_sums, at.queries, shape_.features, query_sums, first);
    }
    finish(sums.keys, shape_.features, key_results, aside);
    finish(sums.values, shape_.width, value_results, aside);
  }

  // Moves sums to their places. Keys that no query may attend to have none.
  void finish(const HeadRows<T>& sums, int64_t size, const HeadRows<T>& results, bool aside) const {
    const int64_t seen = keys_seen(shape_.queries);
    for (int64_t s = 0; s < shape_.keys; ++s) {
      if (s >= seen) {
        std::fill_n(results.row(s), size, T(0));
      } else if (aside) {
        std::copy_n(sums.row(s), size, results.row(s));
      }
    }
  }

  // The number of keys that some query before `query` may attend to.
  int64_t keys_seen(int64_t query) const { return query == 0 ? 0 : shape_.keys_before(query); }

  void read_statistics(const T* saved, const Place& at, const Buffers& buffers,
                       RowStatistics<T>& statistics) const {
    const T* row = saved + shape_.results() +
                   (at.batch * shape_.heads + at.head) * 2 * shape_.queries + at.first_query;
    std::fill_n(statistics.top, kQueries<T>, T(0));
    std::fill_n(statistics.share, kQueries<T>, T(0));
    std::copy_n(row, at.queries, statistics.top);
    std::copy_n(row + shape_.queries, at.queries, statistics.share);
    const int64_t wide = shape_.heads * shape_.width;
    const HeadRows<const T> results{
        saved + at.batch * shape_.queries * wide + at.head * shape_.width, wide, 1};
    std::fill_n(statistics.mean, kQueries<T>, T(0));
    T* const turned = buffers.weights;  // not in use yet
    for (int64_t v = 0; v < shape_.width; v += kBlockKeys) {
      const int64_t size = std::min(kBlockKeys, shape_.width - v);
      turn_rows<T>({results.data + v, wide, 1}, at.first_query, at.queries, size, nullptr, turned);
      add_to_mean(turned, buffers.gradient + v * kQueries<T>, size, statistics.mean);
    }
  }

  void differentiate_block(const Run& run, Place at, const HeadRows<const T>& keys,
                           const HeadRows<const T>& values, const Buffers& buffers,
                           const RowStatistics<T>& statistics, const Sums& sums,
                           AbortCheck& check) const {
    const Panels<T> queries(at.queries), features(shape_.features), width(shape_.width);
    const int64_t feature_step = padded<T>(shape_.features), width_step = padded<T>(shape_.width);
    const auto scale = static_cast<T>(shape_.scale);
    const int64_t end = shape_.keys_before(at.first_query + at.queries);
    for (at.first_key = 0; at.first_key < end; at.first_key += kBlockKeys) {
      at.keys = std::min(kBlockKeys, end - at.first_key);
      const T *key = keys.row(at.first_key), *value = values.row(at.first_key);
      multiply_block<T>(queries, {key, keys.across, 1}, at.keys, shape_.features, buffers.query,
                        kQueries<T>, false, buffers.weights, kQueries<T>);
      restrictions_.forbid(run, at, buffers.weights, buffers.restrictions);
      exponentials(buffers.weights, at.keys, statistics.top);
      multiply_block<T>(queries, {value, values.across, 1}, at.keys, shape_.width, buffers.gradient,
                        kQueries<T>, false, buffers.slopes, kQueries<T>);
      if (restrictions_.drops()) {
        make_slopes(at.keys, statistics, scale, restrictions_.draw(at, buffers.restrictions),
                    restrictions_.keep_factor(), buffers.weights, buffers.slopes);
      } else {
        make_slopes(at.keys, statistics, scale, buffers.weights, buffers.slopes);
      }
      add_to(sums.values, width, at, buffers.weights, buffers.gradient_rows, width_step);
      add_to(sums.keys, features, at, buffers.slopes, buffers.query_rows, feature_step);
      multiply_block<T>(queries, {key, 1, keys.across}, shape_.features, at.keys, buffers.slopes,
                        kQueries<T>, at.first_key > 0, buffers.query_sums, kQueries<T>);
      check.after(product_work(at.queries, at.keys, 3 * shape_.features + 2 * shape_.width));
    }
  }

  // Adds the product of a block and some rows of its queries; what no earlier block has added to is
  // set.
  void add_to(const HeadRows<T>& sums, const Panels<T>& panels, const Place& at, const T* block,
              const T* rows, int64_t step) const {
    const int64_t old = std::clamp<int64_t>(keys_seen(at.first_query) - at.first_key, 0, at.keys);
    const auto multiply = [&](int64_t first, int64_t count, bool add) {
      multiply_block<T>(panels, {block + first * kQueries<T>, kQueries<T>, 1}, count, at.queries,
                        rows, step, add, sums.row(at.first_key + first), sums.across);
    };
    multiply(0, old, true);
    multiply(old, at.keys - old, false);
  }

  AttentionShape shape_;
  Restrictions<T> restrictions_;
  Side<T> keys_, values_;
  Operand gradient_, saved_, output_, workspace_;
  Part query_place_, key_place_, value_place_;
};

}  // namespace

std::unique_ptr<Kernel> make_attention_grad(const StepReader& step) {
  return make_floating<AttentionGrad>(step.operand("query").dtype, step);
}

}  // namespace chainrule::CHAINRULE_ISA
