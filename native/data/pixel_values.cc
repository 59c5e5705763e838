#include "data/pixel_values.h"

#include <algorithm>
#include <array>

namespace chainrule {
namespace {

// Weights of ITU-R 601-2, as in PIL and torchvision.
constexpr float kRed = 0.2989f, kGreen = 0.587f, kBlue = 0.114f;

float grey_of(const float* pixel, int64_t channels) {
  return channels == 3 ? kRed * pixel[0] + kGreen * pixel[1] + kBlue * pixel[2] : pixel[0];
}

void blend(float* image, int64_t elements, float factor, float other, float bound) {
  const float rest = (1 - factor) * other;
  for (int64_t i = 0; i < elements; ++i) {
    image[i] = std::min(std::max(factor * image[i] + rest, 0.0f), bound);
  }
}

}  // namespace

void normalize(float* image, const ImageShape& shape, float divisor, std::span<const double> means,
               std::span<const double> deviations) {
  // Several pixels at a time, so that vectors are full even with few channels.
  constexpr int64_t kPixels = 8, kChannels = 8;
  const int64_t channels = shape.channels, pixels = shape.height * shape.width;
  const size_t step = means.size() == 1 ? 0 : 1;
  if (channels > kChannels) {
    for (int64_t p = 0; p < pixels; ++p, image += channels) {
      for (int64_t c = 0; c < channels; ++c) {
        image[c] = (image[c] / divisor - static_cast<float>(means[c * step])) /
                   static_cast<float>(deviations[c * step]);
      }
    }
    return;
  }
  std::array<float, kPixels * kChannels> mean, deviation;
  const int64_t period = kPixels * channels;
  for (int64_t i = 0; i < period; ++i) {
    mean[i] = static_cast<float>(means[i % channels * step]);
    deviation[i] = static_cast<float>(deviations[i % channels * step]);
  }
  for (int64_t at = 0, elements = shape.elements(); at < elements; at += period) {
    float* block = image + at;
    const int64_t n = std::min(period, elements - at);
    for (int64_t i = 0; i < n; ++i) block[i] = (block[i] / divisor - mean[i]) / deviation[i];
  }
}

void adjust_brightness(float* image, const ImageShape& shape, float factor, float bound) {
  blend(image, shape.elements(), factor, 0, bound);
}

void adjust_contrast(float* image, const ImageShape& shape, float factor, float bound) {
  const int64_t pixels = shape.height * shape.width;
  double sum = 0;
  for (int64_t p = 0; p < pixels; ++p) sum += grey_of(image + p * shape.channels, shape.channels);
  blend(image, shape.elements(), factor, static_cast<float>(sum / static_cast<double>(pixels)),
        bound);
}

void adjust_saturation(float* image, const ImageShape& shape, float factor, float bound) {
  if (shape.channels != 3) return blend(image, shape.elements(), 1, 0, bound);
  for (int64_t p = 0; p < shape.height * shape.width; ++p, image += 3) {
    blend(image, 3, factor, grey_of(image, 3), bound);
  }
}

void cut_out(float* image, const ImageShape& shape, int64_t y, int64_t x, int64_t size,
             float fill) {
  const int64_t top = y - size / 2, left = x - size / 2;
  const int64_t begin = std::max<int64_t>(left, 0), end = std::min(left + size, shape.width);
  for (int64_t row = std::max<int64_t>(top, 0); row < std::min(top + size, shape.height); ++row) {
    std::fill_n(image + (row * shape.width + begin) * shape.channels,
                (end - begin) * shape.channels, fill);
  }
}

void add_noise(float* image, const ImageShape& shape, float deviation, SampleRandom& random) {
  constexpr int64_t kBlocks = 64;
  std::array<uint32_t, 4 * kBlocks> words;
  std::array<float, 4 * kBlocks> normals;
  for (int64_t at = 0, elements = shape.elements(); at < elements; at += 4 * kBlocks) {
    const int64_t n = std::min(4 * kBlocks, elements - at);
    const int64_t blocks = (n + 3) / 4;
    random.words(blocks, words.data());
    for (int64_t i = 0; i < 2 * blocks; ++i) {
      normal_pair(words[2 * i], words[2 * i + 1], normals[2 * i], normals[2 * i + 1]);
    }
    for (int64_t i = 0; i < n; ++i) image[at + i] += deviation * normals[i];
  }
}

}  // namespace chainrule
