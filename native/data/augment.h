#pragma once

#include <cstdint>
#include <span>

#include "data/image_view.h"
#include "data/sample_random.h"

namespace chainrule {

// Random changes of images, as a program of numbers: height, width and channels of the images, and
// then for each transform its code, its place among all transforms, and the count of its numbers,
// which follow. See augment.cc for the codes; lib/data/transforms/program.ts asks for them and
// writes the programs.
class Augmentation {
 public:
  // The most transforms of a program, their names by code, and those of the paddings of a crop.
  static constexpr int64_t kMost = 256;
  static std::span<const char* const> names();
  static std::span<const char* const> paddings();

  // Refers to the numbers, which have to outlive it. Throws OpError, naming the transform, if
  // they are invalid.
  explicit Augmentation(std::span<const double> program);

  int64_t source_elements() const { return source_.elements(); }
  int64_t result_elements() const { return result_.elements(); }
  // Elements of scratch that `run` needs.
  int64_t scratch_elements() const { return 2 * largest_; }

  // Reads an image and writes the augmented one. The output must hold result_elements().
  void run(const std::byte* image, DType dtype, const SampleKey& key, float* output,
           float* scratch) const;

 private:
  std::span<const double> program_;
  ImageShape source_{};
  ImageShape result_{};
  int64_t largest_ = 0;  // elements of the largest intermediate image
  int64_t moves_ = 0;    // transforms that write to other memory than they read
};

// row i = lambda * row i + (1 - lambda) * row i - 1, with all rows as they were; `before` precedes
// the first one.
void mix_rows(float* rows, const float* before, int64_t count, int64_t row_elements, double lambda);

}  // namespace chainrule
