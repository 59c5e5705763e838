#pragma once

#include <span>

#include "data/image_view.h"
#include "data/sample_random.h"

// Changes of an image's values in place.
namespace chainrule {

// (x / divisor - mean) / deviation, with one mean and deviation for each channel or for all.
void normalize(float* image, const ImageShape& shape, float divisor, std::span<const double> means,
               std::span<const double> deviations);

// Blend with black, with the mean grey, and with the grey of each pixel, respectively; the results
// are clamped to 0 ... bound. Images have one channel or three.
void adjust_brightness(float* image, const ImageShape& shape, float factor, float bound);
void adjust_contrast(float* image, const ImageShape& shape, float factor, float bound);
void adjust_saturation(float* image, const ImageShape& shape, float factor, float bound);

// Fills a square of `size` around a pixel, as far as it lies within the image.
void cut_out(float* image, const ImageShape& shape, int64_t y, int64_t x, int64_t size, float fill);

// Adds normally distributed numbers.
void add_noise(float* image, const ImageShape& shape, float deviation, SampleRandom& random);

}  // namespace chainrule
