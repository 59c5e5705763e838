#include "data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "data/pixel_values.h"
#include "engine/op_error.h"
#include "engine/operand.h"
#include "engine/plain_value.h"

namespace chainrule {
namespace {

// The codes of the transforms, and the numbers that each takes:
enum class Code {
  kFlip,         // probability of left and right, of up and down
  kCrop,         // height, width, padding of rows, of columns, Beyond, fill
  kAffine,       // degrees, rows, columns, scale, shear of x, of y: low and high of each; fill
  kColorJitter,  // brightness, contrast, saturation: low and high of each; bound
  kNormalize,    // divisor, means, deviations: one of each, or one for each channel
  kCutout,       // size, fill
  kNoise,        // deviation
  kCodes,
};

constexpr std::array<const char*, static_cast<size_t>(Code::kCodes)> kNames = {
    "flip", "crop", "affine", "colorJitter", "normalize", "cutout", "noise"};

// By the values of Beyond.
constexpr std::array<const char*, 4> kPaddings = {"constant", "edge", "reflect", "symmetric"};

constexpr int64_t kMaxSide = 1 << 24;

struct Step {
  Code code;
  uint32_t position;
  std::span<const double> numbers;

  const char* name() const { return kNames[static_cast<size_t>(code)]; }
  int64_t integer(size_t i) const { return static_cast<int64_t>(numbers[i]); }
  float real(size_t i) const { return static_cast<float>(numbers[i]); }
  double draw(size_t i, SampleRandom& random) const {
    return random.between(numbers[i], numbers[i + 1]);
  }
};

[[noreturn]] void fail(const std::string& what) { throw OpError("augmentRows", what); }

int64_t whole(double number, int64_t low, int64_t high, const char* what) {
  // Written so that NaN fails.
  if (number >= static_cast<double>(low) && number <= static_cast<double>(high) &&
      number == static_cast<double>(static_cast<int64_t>(number))) {
    return static_cast<int64_t>(number);
  }
  fail(std::string(what) + " must be an integer from " + std::to_string(low) + " to " +
       std::to_string(high));
}

// Takes the next transform off the front of a program.
Step take_step(std::span<const double>& program) {
  const auto code = static_cast<Code>(program[0]);
  const Step step{code, static_cast<uint32_t>(program[1]),
                  program.subspan(3, static_cast<size_t>(program[2]))};
  program = program.subspan(3 + step.numbers.size());
  return step;
}

void check_head(std::span<const double> program) {
  if (program.size() < 3) fail("a transform needs its code, place and count");
  whole(program[0], 0, static_cast<int64_t>(Code::kCodes) - 1, "a code");
  whole(program[1], 0, Augmentation::kMost - 1, "a place");
  whole(program[2], 0, static_cast<int64_t>(program.size()) - 3, "a count");
}

void require(const Step& step, bool condition, const char* what) {
  if (!condition) fail(std::string(step.name()) + ": " + what);
}

void check_crop(const Step& step, ImageShape& shape) {
  const int64_t height = whole(step.numbers[0], 1, kMaxSide, "crop: height");
  const int64_t width = whole(step.numbers[1], 1, kMaxSide, "crop: width");
  const auto beyond =
      static_cast<Beyond>(whole(step.numbers[4], 0, kPaddings.size() - 1, "crop: mode"));
  // Mirrored padding is limited by the size of the image.
  const auto most = [&](int64_t side) {
    if (beyond == Beyond::kReflect) return side - 1;
    return beyond == Beyond::kSymmetric ? side : kMaxSide;
  };
  const int64_t rows = whole(step.numbers[2], 0, most(shape.height), "crop: padding");
  const int64_t columns = whole(step.numbers[3], 0, most(shape.width), "crop: padding");
  require(step, height <= shape.height + 2 * rows && width <= shape.width + 2 * columns,
          "the size is larger than the padded image");
  shape.height = height;
  shape.width = width;
}

// Checks the numbers of a step for images of this shape, and updates the shape.
void check_step(const Step& step, ImageShape& shape) {
  require(step, std::ranges::all_of(step.numbers, [](double n) { return std::isfinite(n); }),
          "numbers must be finite");
  const size_t count = step.numbers.size();
  const auto channels = static_cast<size_t>(shape.channels);
  switch (step.code) {
    case Code::kFlip:
      return require(step, count == 2, "takes 2 numbers");
    case Code::kCrop:
      require(step, count == 6, "takes 6 numbers");
      return check_crop(step, shape);
    case Code::kAffine:
      return require(step, count == 13 && step.numbers[6] > 0, "takes 13 numbers");
    case Code::kColorJitter:
      require(step, shape.channels == 1 || shape.channels == 3, "needs one channel or three");
      return require(step, count == 7, "takes 7 numbers");
    case Code::kNormalize:
      return require(step, count == 3 || count == 1 + 2 * channels,
                     "takes a divisor, and means and deviations");
    case Code::kCutout:
      require(step, count == 2, "takes 2 numbers");
      whole(step.numbers[0], 1, kMaxSide, "cutout: size");
      return;
    default:
      return require(step, count == 1, "takes 1 number");
  }
}

bool moves(Code code) { return code == Code::kCrop || code == Code::kAffine; }

// The inverse of a rotation about the centre with shear and scale, and then a translation, as
// torchvision composes them.
void draw_affine(const Step& step, const ImageShape& shape, SampleRandom& random,
                 double (&matrix)[6]) {
  const double turns = step.draw(0, random) / 360;
  const double move_y = std::nearbyint(step.draw(2, random));
  const double move_x = std::nearbyint(step.draw(4, random));
  const double scale = step.draw(6, random);
  const double shear_x = step.draw(8, random) / 360, shear_y = step.draw(10, random) / 360;
  double sine, cosine, sine_x, cosine_x, sine_y, cosine_y, sine_both, cosine_both;
  sine_and_cosine(turns, sine, cosine);
  sine_and_cosine(shear_x, sine_x, cosine_x);
  sine_and_cosine(shear_y, sine_y, cosine_y);
  sine_and_cosine(turns - shear_y, sine_both, cosine_both);
  const double tangent_x = sine_x / cosine_x;
  const double a = cosine_both / cosine_y, b = -a * tangent_x - sine;
  const double c = sine_both / cosine_y, d = -c * tangent_x + cosine;
  const double centre_x = static_cast<double>(shape.width - 1) / 2;
  const double centre_y = static_cast<double>(shape.height - 1) / 2;
  const double x = -centre_x - move_x, y = -centre_y - move_y;
  matrix[0] = d / scale;
  matrix[1] = -b / scale;
  matrix[2] = matrix[0] * x + matrix[1] * y + centre_x;
  matrix[3] = -c / scale;
  matrix[4] = a / scale;
  matrix[5] = matrix[3] * x + matrix[4] * y + centre_y;
}

void jitter(const Step& step, const ImageShape& shape, SampleRandom& random, float* image) {
  // The six orders of three changes.
  static constexpr int kOrders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  const auto& order = kOrders[random.integer(6)];
  float factors[3];
  for (int i = 0; i < 3; ++i) factors[i] = static_cast<float>(step.draw(2 * i, random));
  const float bound = step.real(6);
  for (int i : order) {
    // A range of 1 to 1 disables a change.
    if (step.numbers[2 * i] == 1 && step.numbers[2 * i + 1] == 1) continue;
    if (i == 0) adjust_brightness(image, shape, factors[i], bound);
    if (i == 1) adjust_contrast(image, shape, factors[i], bound);
    if (i == 2) adjust_saturation(image, shape, factors[i], bound);
  }
}

void change_values(const Step& step, const ImageShape& shape, SampleRandom& random, float* image) {
  if (step.code == Code::kColorJitter) return jitter(step, shape, random, image);
  if (step.code == Code::kNormalize) {
    const size_t count = step.numbers.size() / 2;
    return normalize(image, shape, step.real(0), step.numbers.subspan(1, count),
                     step.numbers.subspan(1 + count, count));
  }
  if (step.code == Code::kNoise) return add_noise(image, shape, step.real(0), random);
  const int64_t y = random.integer(shape.height), x = random.integer(shape.width);
  cut_out(image, shape, y, x, step.integer(0), step.real(1));
}

}  // namespace

std::span<const char* const> Augmentation::names() { return kNames; }

std::span<const char* const> Augmentation::paddings() { return kPaddings; }

Augmentation::Augmentation(std::span<const double> program) : program_(program) {
  if (program.size() < 3) fail("a program starts with the shape of an image");
  source_.height = whole(program[0], 1, kMaxSide, "height");
  source_.width = whole(program[1], 1, kMaxSide, "width");
  source_.channels = whole(program[2], 1, kMaxSide, "channels");
  program_ = program.subspan(3);
  result_ = source_;
  largest_ = product({source_.height, source_.width, source_.channels});
  for (auto rest = program_; !rest.empty();) {
    check_head(rest);
    const Step step = take_step(rest);
    check_step(step, result_);
    largest_ = std::max(largest_, product({result_.height, result_.width, result_.channels}));
    moves_ += moves(step.code);
  }
}

void Augmentation::run(const std::byte* image, DType dtype, const SampleKey& key, float* output,
                       float* scratch) const {
  ImageView view{image, dtype, source_};
  float* writable = nullptr;  // the view's memory, once it may be changed
  int64_t moves_left = moves_;
  // A buffer other than the image's own: the last move goes to the output.
  const auto next_place = [&] {
    if (moves_left == 0 && writable != output) return output;
    return writable == scratch ? scratch + largest_ : scratch;
  };
  const auto arrived = [&](float* place, const ImageShape& shape) {
    view = {reinterpret_cast<const std::byte*>(place), DType::kFloat32, shape};
    writable = place;
  };
  // Copies the view to another buffer, undoing any flip.
  const auto settle = [&] {
    float* place = next_place();
    copy_window(view, 0, 0, Beyond::kConstant, 0, view.shape, place);
    arrived(place, view.shape);
  };
  for (auto rest = program_; !rest.empty();) {
    const Step step = take_step(rest);
    SampleRandom random(key, step.position);
    if (step.code == Code::kFlip) {
      view.flip_x ^= random.uniform() < step.numbers[0];
      view.flip_y ^= random.uniform() < step.numbers[1];
    } else if (moves(step.code)) {
      --moves_left;
      float* place = next_place();
      if (step.code == Code::kCrop) {
        const ImageShape window{step.integer(0), step.integer(1), view.shape.channels};
        const int64_t rows = step.integer(2), columns = step.integer(3);
        const int64_t top = random.integer(view.shape.height + 2 * rows - window.height + 1) - rows;
        const int64_t left =
            random.integer(view.shape.width + 2 * columns - window.width + 1) - columns;
        copy_window(view, top, left, static_cast<Beyond>(step.integer(4)), step.real(5), window,
                    place);
        arrived(place, window);
      } else {
        double matrix[6];
        draw_affine(step, view.shape, random, matrix);
        warp(view, matrix, step.real(12), place);
        arrived(place, view.shape);
      }
    } else {
      if (writable == nullptr || view.flip_x || view.flip_y) settle();
      change_values(step, view.shape, random, writable);
    }
  }
  if (writable == nullptr || view.flip_x || view.flip_y) settle();
  if (writable != output) settle();
}

void mix_rows(float* rows, const float* before, int64_t count, int64_t row_elements,
              double lambda) {
  const auto share = static_cast<float>(lambda), rest = static_cast<float>(1 - lambda);
  // From the last row to the first, so that each row's predecessor is still unchanged.
  for (int64_t i = count - 1; i >= 0; --i) {
    float* row = rows + i * row_elements;
    const float* previous = i > 0 ? row - row_elements : before;
    for (int64_t e = 0; e < row_elements; ++e) row[e] = share * row[e] + rest * previous[e];
  }
}

}  // namespace chainrule
