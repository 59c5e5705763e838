import { checked, checkMethods, requireArguments } from '../../graph/arguments/checked.js';
import { kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { type ChainruleError, failed, invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import { sameItems } from '../../graph/same-items.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Sums } from '../../nn/losses/sums.js';
import { Claim } from '../../runtime/access/claim.js';
import { variables } from '../kinds.js';
import { isTrainable } from '../optimizer.js';
import { CurvatureHistory } from './curvature-history.js';
import { type Evaluation, Objective } from './objective.js';
import { strongWolfe } from './strong-wolfe.js';
import { dot, largest, magnitude, plusScaled, scaled, type Vector } from './vectors.js';

export interface LbfgsOptions {
  /** Length of a step, or the first length that a line search tries. Default 1. */
  readonly lr?: number;
  /** Maximum number of iterations in each call of `step`. Default 20. */
  readonly maxIterations?: number;
  /** Maximum number of evaluations of the loss in each call of `step`. Default 1.25 times the iterations. */
  readonly maxEvaluations?: number;
  /** A call ends when no element of the gradient is larger than this. Default 1e-7. */
  readonly toleranceGradient?: number;
  /** A call ends when neither loss nor parameters change by more than this. Default 1e-9. */
  readonly toleranceChange?: number;
  /** Number of steps whose curvature is remembered. Default 100. */
  readonly historySize?: number;
  /** Line search for the length of a step; null uses `lr`. Default null. */
  readonly lineSearch?: 'strongWolfe' | null;
}

const lbfgsOptions = optionsOf<LbfgsOptions>({
  lr: kinds.positive,
  maxIterations: kinds.count,
  maxEvaluations: kinds.count,
  toleranceGradient: kinds.nonNegative,
  toleranceChange: kinds.nonNegative,
  historySize: kinds.count,
  lineSearch: kind("'strongWolfe' or null", (value) => value === 'strongWolfe' || value === null),
});

/**
 * Limited-memory BFGS (Liu & Nocedal 1989), as `torch.optim.LBFGS`, for a loss over all the data at once. It runs on
 * the host, in its own loop rather than in a `Trainer`:
 *
 *     const optimizer = optim.lbfgs({ lineSearch: 'strongWolfe' });
 *     const loss = () => nn.mseLoss(model.forward(x), y);
 *     for (let i = 0; i < 10; i++) console.log(await optimizer.step(model.parameters(), loss));
 *     optimizer.release();
 */
export const lbfgs = checked(
  'lbfgs',
  { options: optional(lbfgsOptions) },
  (options: LbfgsOptions = {}): LBFGS => new LBFGS(options),
);

/** State kept from one iteration to the next. */
interface Last {
  readonly direction: Vector;
  readonly length: number;
  readonly gradient: Vector;
}

/** The limited-memory BFGS optimiser that `lbfgs` creates, with the history of its steps. */
export class LBFGS {
  /** Number of evaluations of the loss so far. */
  evaluations = 0;
  /** Number of iterations so far. */
  iterations = 0;
  readonly #options: Required<LbfgsOptions>;
  #history: CurvatureHistory;
  #last: Last | undefined;
  #objective: Objective | undefined;

  constructor(options: LbfgsOptions = {}, ...surplus: []) {
    requireArguments('LBFGS', { options: optional(lbfgsOptions) }, [options, ...surplus]);
    const { lr = 1, maxIterations = 20, toleranceGradient = 1e-7, toleranceChange = 1e-9 } = options;
    const { historySize = 100, lineSearch = null } = options;
    const { maxEvaluations = Math.floor((maxIterations * 5) / 4) } = options;
    const tolerances = { toleranceGradient, toleranceChange };
    this.#options = { lr, maxIterations, maxEvaluations, ...tolerances, historySize, lineSearch };
    this.#history = new CurvatureHistory(historySize);
  }

  /**
   * Takes up to `maxIterations` steps that lower a loss, and returns the loss before them. Frozen parameters stay
   * unchanged. The loss is compiled at the first call; pass the same function each time.
   *
   * @throws if the loss is not one float, or it or its gradient is not finite; the parameters are then those of the
   *   step before
   */
  async step(parameters: readonly Variable[], loss: () => Tensor | Sums): Promise<number> {
    const objective = this.#prepare(parameters, loss);
    const claim = new Claim('lbfgs');
    claim.take(objective.parameters);
    try {
      await objective.begin();
      try {
        return await this.#minimise(objective);
      } finally {
        await objective.settle(claim);
      }
    } finally {
      claim.release();
    }
  }

  async #minimise(objective: Objective): Promise<number> {
    const { maxIterations, maxEvaluations, toleranceGradient, toleranceChange } = this.#options;
    let { value, gradient } = await objective.evaluate();
    const first = value;
    requireFinite({ value, gradient });
    this.evaluations++;
    let evaluations = 1;
    for (let i = 1; i <= maxIterations; i++) {
      if (largest(gradient) <= toleranceGradient) break;
      const direction = this.#direction(gradient);
      const begin = this.#last ? 1 : Math.min(1, 1 / magnitude(gradient));
      this.iterations++;
      const slope = dot(gradient, direction);
      if (!Number.isFinite(slope)) throw notFinite('the slope along the step', slope);
      if (slope > -toleranceChange) {
        this.#last = { direction, length: begin * this.#options.lr, gradient };
        break;
      }
      const before = value;
      const found = await this.#move(objective, direction, begin * this.#options.lr, {
        start: { value, gradient },
        remaining: maxEvaluations - evaluations,
        final: i === maxIterations,
      });
      this.#last = { direction, length: found.length, gradient };
      ({ value, gradient } = found);
      evaluations += found.evaluations;
      this.evaluations += found.evaluations;
      if (evaluations >= maxEvaluations) break;
      if (largest(scaled(direction, found.length)) <= toleranceChange) break;
      if (Math.abs(value - before) < toleranceChange) break;
    }
    return first;
  }

  /** Frees the compiled loss. The next step compiles it again. */
  release(): void {
    this.#objective?.release();
    this.#objective = undefined;
  }

  #prepare(parameters: readonly Variable[], loss: () => Tensor | Sums): Objective {
    const trained = parameters.filter(isTrainable);
    if (trained.length === 0) throw invalid('lbfgs', 'at least one parameter must be trainable');
    const known = this.#objective;
    const same = known && sameItems(known.parameters, trained);
    if (same && known.loss === loss) return known;
    known?.release();
    if (known && !same) {
      this.#history = new CurvatureHistory(this.#options.historySize);
      this.#last = undefined;
    }
    this.#objective = new Objective(trained, loss);
    return this.#objective;
  }

  /** The descent direction, by the curvature of the last steps. */
  #direction(gradient: Vector): Vector {
    const last = this.#last;
    if (!last) return scaled(gradient, -1);
    this.#history.add(scaled(last.direction, last.length), plusScaled(gradient, -1, last.gradient));
    return scaled(this.#history.applyInverse(gradient), -1);
  }

  async #move(
    objective: Objective,
    direction: Vector,
    length: number,
    {
      start,
      remaining,
      final,
    }: { start: { value: number; gradient: Vector }; remaining: number; final: boolean },
  ) {
    const point = objective.point();
    const evaluate = (distance: number) => {
      objective.moveTo(plusScaled(point, distance, direction));
      return objective.evaluate();
    };
    try {
      if (this.#options.lineSearch) {
        const { toleranceChange: tolerance } = this.#options;
        const search = { evaluate, direction, start, length, tolerance, maxEvaluations: remaining };
        const found = await strongWolfe(search);
        requireFinite(found);
        objective.moveTo(plusScaled(point, found.length, direction));
        return found;
      }
      // The loss after the final step is not needed.
      if (!final) {
        const found = await evaluate(length);
        requireFinite(found);
        return { ...found, length, evaluations: 1 };
      }
      objective.moveTo(plusScaled(point, length, direction));
      if (!objective.isFinite) throw notFinite('a parameter', 'an overflow');
      return { ...start, length, evaluations: 0 };
    } catch (error) {
      objective.moveTo(point);
      throw error;
    }
  }
}

checkMethods(
  LBFGS,
  { step: { parameters: variables, loss: kinds.callback<() => Tensor | Sums>() }, release: {} },
  () => 'lbfgs',
);

/** Checked before the curvature is remembered, so that the next call can go on. */
function requireFinite({ value, gradient }: Evaluation): void {
  if (!Number.isFinite(value)) throw notFinite('the loss', value);
  const bad = gradient.find((slope) => !Number.isFinite(slope));
  if (bad !== undefined) throw notFinite('the gradient', bad);
}

function notFinite(what: string, received: unknown): ChainruleError {
  const expected = `${what} must stay finite; the parameters are those of the step before`;
  return failed('ERR_CHAINRULE_NON_FINITE', 'lbfgs', expected, { received });
}
