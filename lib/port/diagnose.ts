import type { TypedArray } from '../graph/dtype.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import type { AnyModule } from '../nn/module.js';
import { MODEL } from '../nn/module-tree.js';
import type { LoadReport } from '../nn/state/report.js';
import { evaluate } from '../runtime/evaluate.js';
import { differenceOf } from './differences.js';
import type { Evidence } from './evidence.js';
import { suspicions } from './hypotheses/index.js';
import { inInference } from './run.js';

/** How many times nearer a hypothesis has to come than the layer itself. */
const NEARER = 10;

/** The share of the tolerance that is rounding: nearer than that, no other hypothesis can be told from this one. */
const ROUNDING = 5e-3;

/** Hypotheses whose differences are within this factor explain equally well. */
const ALIKE = 4;

/** A hypothesis that was tested. */
interface Tested {
  readonly reason: string;
  readonly relative: number;
}

/**
 * The cause under which a layer would have given the recorded output: every hypothesis is computed on the layer's own
 * inputs. Of those that explain it equally well, the first is named.
 *
 * @param relative the layer's own difference
 * @param tolerance the difference up to which outputs agree
 */
export async function diagnose(
  model: AnyModule,
  evidence: Evidence,
  relative: number,
  tolerance: number,
): Promise<string | undefined> {
  const recorded = await evidence.recorded.data();
  const limit = Math.min(tolerance, relative / NEARER);
  const tested: Tested[] = [];
  for (const { reason, output } of inInference(model, () => hypothesesOn(evidence))) {
    const found = await differenceUnder(model, output, evidence.recorded.shape, recorded);
    if (found <= limit * ROUNDING) return reason;
    if (found <= limit) tested.push({ reason, relative: found });
  }
  const best = Math.min(...tested.map(({ relative }) => relative));
  return tested.find((one) => one.relative <= ALIKE * best)?.reason;
}

function hypothesesOn(evidence: Evidence) {
  const { layer } = evidence;
  return suspicions
    .filter((suspicion) => suspicion.appliesTo(layer))
    .flatMap((suspicion) => [...suspicion.hypotheses(layer, evidence)]);
}

/** The relative difference under a hypothesis; infinite if it does not apply. */
async function differenceUnder(
  model: AnyModule,
  output: () => Tensor,
  shape: Shape,
  recorded: TypedArray,
): Promise<number> {
  try {
    const node = inInference(model, output);
    if (!sameShape(node.shape, shape)) return Number.POSITIVE_INFINITY;
    const [values] = await evaluate([node]);
    return differenceOf(values as TypedArray, recorded).relative;
  } catch {
    // Whatever fails, shapes or the user's own code, does not explain the recording.
    return Number.POSITIVE_INFINITY;
  }
}

/** Weights of the layer at a path that the file lacks, or has in another form. */
export function weightsAmiss(path: string, { missing, misshapen }: LoadReport): string | undefined {
  const ofLayer = (name: string) => path === MODEL || name.startsWith(`${path}.`);
  const [lost] = missing.filter(ofLayer);
  if (lost !== undefined) return `weights differ: the file lacks ${lost}`;
  const other = misshapen.find(({ name }) => ofLayer(name));
  return other && `weights differ: ${other.name} is ${other.found} in the file, not ${other.expected}`;
}
