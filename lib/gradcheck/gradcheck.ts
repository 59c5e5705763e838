import { checked } from '../graph/arguments/checked.js';
import { either, type Kind, kind, listOf, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { ChainruleError, formatShape } from '../graph/errors.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { findCulprit, type Search } from './culprit.js';
import { type Comparison, compareGradients, gradientsOf, type Tolerance } from './differences.js';
import {
  type Checkable,
  checkable,
  type InputSpec,
  inputSpec,
  isChecked,
  type Subject,
  traceSubject,
} from './subject.js';

export interface GradcheckOptions {
  /** Check second-order gradients as well. Default false. */
  readonly second?: boolean;
  /** Largest difference allowed, relative to the numeric derivative. Default 1e-6. */
  readonly relative?: number;
  /** Absolute difference allowed in addition. Default 1e-8. */
  readonly absolute?: number;
  /** Number of entries of each input and parameter to check, spread evenly. Default all. */
  readonly entries?: number;
  /** Seed of the numbers drawn for inputs that are given as shapes. Default 0. */
  readonly seed?: number;
}

const tolerance: Kind<number> = kind(
  'a positive number',
  (value) => kinds.number.accepts(value) && (value as number) > 0,
);

const gradcheckOptions = optionsOf<GradcheckOptions>({
  second: kinds.boolean,
  relative: tolerance,
  absolute: tolerance,
  entries: kinds.count,
  seed: kinds.index,
});

/** Result of a check that passed. */
export interface GradcheckResult {
  /** Number of derivatives compared. */
  readonly compared: number;
  /** The comparison with the largest error; undefined if nothing was compared. */
  readonly worst: Comparison | undefined;
}

/** The `received` value of the error of a failed check. */
export interface Disagreement extends Comparison, Search {
  readonly order: 1 | 2;
}

/**
 * Checks the gradients of a function or a layer in float64: projects its value on fixed numbers, and compares the
 * gradients of that projection, entry by entry, with five-point central differences. For a layer, the parameters are
 * checked as well as the inputs. Random ops draw the same numbers each time, so the target may contain dropout.
 *
 *     await gradcheck((x, y) => x.matmul(y).tanh(), [[2, 3], [3, 4]]);
 *     await gradcheck(new MyLayer(3, { dtype: 'float64' }), [x], { second: true });
 *
 * @param target returns float64 tensors for float64 inputs; a layer's parameters must be float64
 * @param inputs tensors, of which floats are converted to float64 and others are not checked; or shapes, whose numbers
 *   are drawn, all different, from [-2, 2] or from `{ low, high }`
 * @throws (rejects) with a ChainruleError that names the input, its entry, both numbers, and the op whose own rule
 *   disagrees with differences of that op alone; `received` is a `Disagreement`
 */
export const gradcheck = checked(
  'gradcheck',
  {
    target: checkable,
    inputs: listOf(either(kinds.tensor, kinds.shape, inputSpec), 'tensors and shapes'),
    options: optional(gradcheckOptions),
  },
  async (
    target: Checkable,
    inputs: readonly (Tensor | Shape | InputSpec)[],
    options: GradcheckOptions = {},
  ): Promise<GradcheckResult> => {
    const {
      second = false,
      relative = 1e-6,
      absolute = 1e-8,
      entries = Number.MAX_SAFE_INTEGER,
      seed = 0,
    } = options;
    const limits: Tolerance = { relative, absolute, entries };
    const subject = await traceSubject(target, inputs, seed);
    const found = await checkOrder(subject, 1, limits);
    if (second && subject.leaves.some(isChecked)) {
      found.push(...(await checkOrder({ ...subject, outputs: gradientsOf(subject) }, 2, limits)));
    }
    const worst = found.reduce<Comparison | undefined>(
      (a, b) => (a && a.error >= b.error ? a : b),
      undefined,
    );
    return { compared: found.length, worst };
  },
);

async function checkOrder(subject: Subject, order: 1 | 2, tolerance: Tolerance): Promise<Comparison[]> {
  const found = await compareGradients(subject, tolerance);
  const [worst] = found;
  if (!worst || worst.error <= tolerance.relative) return found;
  const search = await findCulprit(subject, tolerance);
  const what = order === 1 ? 'gradient' : 'second-order gradient';
  const rule = `${describe(worst, `the ${what}`)}. ${explain(search)}`;
  const disagreement: Disagreement = { ...worst, ...search, order };
  throw new ChainruleError('gradcheck', rule, `gradcheck: ${rule}`, disagreement);
}

function describe({ input, entry, analytic, numeric, error }: Comparison, what: string): string {
  const difference = Number.isFinite(error) ? ` (relative error ${error.toPrecision(2)})` : '';
  return `${what} of ${input} at ${formatShape(entry)} is ${analytic}, but differences give ${numeric}${difference}`;
}

function explain({ culprit, cut }: Search): string {
  if (culprit) return describe(culprit, `The rule of ${culprit.op} disagrees: that`);
  const stopped = cut.length > 0 ? `; no gradient flows through ${cut.join(' and ')}` : '';
  return `Every op on the way agrees with its own differences${stopped}`;
}
