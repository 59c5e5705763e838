import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import { nameAt, partsOf, type Structure } from '../../graph/structure.js';
import { Tensor } from '../../graph/tensor.js';
import { boundOptions } from './configurable.js';

type Tensors = Structure<Tensor>;

/** The tensors of a batch from which a loss or a metric is computed. */
export interface FigureTensors {
  readonly output: Tensors;
  readonly target: Tensors;
  /** Of the samples, if they have some: for all targets, or for some of them. */
  readonly weights: Tensors | undefined;
}

/** The tensors of one output. */
export interface TensorsOfOne extends FigureTensors {
  readonly output: Tensor;
  readonly target: Tensor;
  readonly weights: Tensor | undefined;
}

/**
 * The output of a name, or in a list of an index, with its target and its weights.
 *
 * @param why it must be there, as in "the output must have rating, for which there is a loss"
 */
export function ofOutput(op: string, name: string, why: string, tensors: FigureTensors): TensorsOfOne {
  const { output, target, weights } = tensors;
  return {
    output: tensorNamed(op, 'the output', name, why, output),
    target: tensorNamed(op, 'the target', name, why, target),
    weights: weights instanceof Tensor ? weights : weights && find(weights, name),
  };
}

function tensorNamed(op: string, what: string, name: string, why: string, tensors: Tensors): Tensor {
  const tensor = find(tensors, name);
  if (tensor) return tensor;
  const found = tensors instanceof Tensor ? 'a single tensor' : namesOf(tensors).join(', ');
  throw invalid(op, `${what} must have ${name}, ${why}`, found);
}

function find(tensors: Tensors, name: string): Tensor | undefined {
  return partsOf(tensors, kinds.tensor).find(([place]) => place !== '' && nameAt(place) === name)?.[1];
}

function namesOf(tensors: Tensors): string[] {
  return partsOf(tensors, kinds.tensor).map(([place]) => nameAt(place));
}

/**
 * Checks that a function of the package, which takes one output and one target, gets no more.
 *
 * @param instead what is to be given for several, which are a list or a record
 */
export function requireOne(
  op: string,
  fn: object,
  { output, target }: FigureTensors,
  instead: (form: string) => string,
): void {
  if (!boundOptions(fn)) return;
  for (const [who, what, tensors] of [
    ['the model gives', 'outputs', output],
    ['the data set has', 'targets', target],
  ] as const) {
    if (tensors instanceof Tensor) continue;
    const form = Array.isArray(tensors) ? 'a list' : 'a record';
    throw invalid(op, `${who} ${form} of ${what}, ${namesOf(tensors).join(', ')}, so ${instead(form)}`);
  }
}
