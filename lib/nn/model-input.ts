import { tensor } from '../graph/arguments/kinds.js';
import { isFloat } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { mapStructure, partsOf, type Structure, structured } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';
import { cast } from '../ops/primitives/elementwise.js';
import { callForward, type ForwardArgument } from './call-forward.js';
import type { AnyModule } from './module.js';

/** Tensors as a model takes and gives them: one, a list or a record. */
export type Tensors = Structure<Tensor>;

export const tensorOrSeveral = structured(tensor, 'tensors');

/** The tensors of a structure, in order. */
export function tensorsIn(tensors: Tensors): Tensor[] {
  return partsOf(tensors, tensor).map(([, one]) => one);
}

/** A model as a function of a batch. */
export type Forward = (inputs: Tensors) => Tensors;

/** Converts a batch to the input of a model: bytes become float32; int32 stays, for embeddings. */
export function asModelInput(x: Tensor): Tensor {
  return isFloat(x.dtype) || x.dtype === 'int32' ? x : cast(x, 'float32');
}

/** The arguments of a model's `forward`: a list of inputs is several, a record one. */
export function forwardArguments(inputs: Tensors): readonly ForwardArgument[] {
  return Array.isArray(inputs) ? inputs : [inputs as ForwardArgument];
}

/**
 * A model as a function of a batch of samples, which are converted: bytes become float32, and so do truth values, but for
 * those among several inputs, which may be masks.
 */
export function forwardOf(op: string, model: AnyModule): Forward {
  return (inputs) => {
    const given = mapStructure(inputs, tensor, (x, place) =>
      place !== '' && x.dtype === 'bool' ? x : asModelInput(x),
    );
    return requireOutput(op, callForward(op, model, forwardArguments(given)));
  };
}

/** Checks that the result of a model's `forward` is a tensor, or a list or a record of tensors. */
function requireOutput(op: string, output: unknown): Tensors {
  if (tensorOrSeveral.accepts(output)) return output as Tensors;
  throw invalid(op, "the model's forward must return a tensor, or a list or a record of tensors", output);
}
