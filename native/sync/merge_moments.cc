#include "sync/merge_moments.h"

#include <algorithm>

#include "sync/combine.h"

namespace chainrule {
namespace {

constexpr size_t kBlock = 64;

// The moments of some samples for one block of channels.
template <typename T>
struct Moments {
  T weight;
  T means[kBlock], variances[kBlock];

  void read(const T* source, size_t channels, size_t first, size_t count) {
    weight = source[2 * channels];
    std::copy_n(source + first, count, means);
    std::copy_n(source + channels + first, count, variances);
  }

  void merge(const Moments& other, size_t count) {
    const T all = weight + other.weight;
    const T own = weight / all, its = other.weight / all;
    for (size_t i = 0; i < count; ++i) {
      const T distance = other.means[i] - means[i];
      means[i] += distance * its;
      variances[i] =
          variances[i] * own + other.variances[i] * its + distance * distance * own * its;
    }
    weight = all;
  }
};

}  // namespace

template <typename T>
void merge_moments(std::span<const T* const> sources, std::span<const int32_t> program, T* result,
                   size_t channels) {
  Moments<T> stack[kMaxDepth];
  for (size_t first = 0; first < channels; first += kBlock) {
    const size_t count = std::min(kBlock, channels - first);
    size_t depth = 0;
    for (const int32_t word : program) {
      if (word == kAdd) {
        --depth;
        stack[depth - 1].merge(stack[depth], count);
      } else {
        stack[depth++].read(sources[word], channels, first, count);
      }
    }
    std::copy_n(stack[0].means, count, result + first);
    std::copy_n(stack[0].variances, count, result + channels + first);
    result[2 * channels] = stack[0].weight;
  }
}

template void merge_moments<float>(std::span<const float* const>, std::span<const int32_t>, float*,
                                   size_t);
template void merge_moments<double>(std::span<const double* const>, std::span<const int32_t>,
                                    double*, size_t);

}  // namespace chainrule
