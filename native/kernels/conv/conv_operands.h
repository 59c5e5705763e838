#pragma once

#include <array>

#include "kernels/conv/conv_shape.h"

namespace chainrule::CHAINRULE_ISA {

// What a step of a convolution reads and writes. `Source` is what the method reads: the input, or
// the gradient of the output where the gradient of the input is computed. Weights that were packed
// before come as the operand `packed`, with their shape as an attribute.
struct ConvOperands {
  Operand source, weight, output;
  bool packed;
  ConvShape shape;

  ConvOperands(const StepReader& step, bool backward)
      : source(step.operand(backward ? "gradient" : "input")),
        weight(step.operand(step.has("packed") ? "packed" : "weight")),
        output(step.operand("output")),
        packed(step.has("packed")),
        shape(step, backward ? output.shape : source.shape,
              packed ? step.integers("weightShape") : weight.shape,
              backward ? source.shape : output.shape) {
    require_contiguous(step, {&source, &weight, &output});
  }
};

// What a step that packs weights reads and writes; the shapes of the images are attributes.
struct PackOperands {
  Operand weight, output;
  ConvShape shape;

  explicit PackOperands(const StepReader& step)
      : weight(step.operand("weight")),
        output(step.operand("output")),
        shape(step, step.integers("image"), weight.shape, step.integers("result")) {
    require_contiguous(step, {&weight, &output});
  }
};

}  // namespace chainrule::CHAINRULE_ISA
