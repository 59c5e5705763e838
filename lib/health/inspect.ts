import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { traced } from '../graph/trace.js';
import { module } from '../nn/kinds.js';
import { type BatchFunction, batchLoss, type Losses, losses } from '../nn/losses/batch-loss.js';
import { asScalar } from '../nn/losses/sums.js';
import { type Tensors, tensorOrSeveral, tensorsIn } from '../nn/model-input.js';
import type { AnyModule } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { requireUsed } from '../nn/used-inputs.js';
import { mul, sub } from '../ops/primitives/elementwise.js';
import { isTrainable, type Optimizer, optimizer as optimizerKind } from '../optim/optimizer.js';
import { examine, type NextValues } from './examine.js';
import { completeThresholds, type HealthThresholds, healthThresholds } from './findings.js';
import type { HealthReport } from './report.js';

export interface InspectOptions {
  /** Optimiser whose next update, from its current state, is reported. */
  readonly optimizer?: Optimizer;
  /** Without an optimiser, the learning rate of the reported update `lr * gradient`. */
  readonly lr?: number;
  readonly thresholds?: Partial<HealthThresholds>;
  /** Seed of the random numbers (dropout). Default 0. */
  readonly seed?: number;
}

const inspectOptions = optionsOf<InspectOptions>({
  optimizer: optimizerKind,
  lr: kinds.nonNegative,
  thresholds: healthThresholds,
  seed: kinds.index,
});

/**
 * Examines a model on one batch: the norms of activations and gradients of each layer, the share of dead ReLUs, the
 * ratio of updates to weights, and non-finite values with the op that made the first one. Findings name the layers
 * whose gradient vanishes or explodes, and suggest remedies. Nothing is changed: no parameter, no buffer, no optimiser.
 * The model runs in its current mode, which should normally be training mode.
 *
 *     const report = await inspect(model, nn.crossEntropy, x, y, { optimizer });
 *     console.log(formatHealth(report));
 *
 * Gradients are compared layer by layer as by Glorot & Bengio (2010). Dead units are reported for batches of at least 8
 * rows. If the optimiser accumulates gradients and the next step makes no update, there are no update ratios.
 *
 * @param loss of the model's output and the targets, or a record of losses by output
 * @param inputs one batch, or a list or a record of batches for a model with several inputs
 * @param targets one tensor, or a list or a record for several losses
 * @throws (rejects) if the loss has more than one element
 */
export const inspect = checked(
  'inspect',
  {
    model: module,
    loss: losses,
    inputs: tensorOrSeveral,
    targets: tensorOrSeveral,
    options: optional(inspectOptions),
  },
  async (
    model: AnyModule,
    loss: Losses,
    inputs: Tensors,
    targets: Tensors,
    options: InspectOptions = {},
  ): Promise<HealthReport> => {
    const { optimizer, lr, seed = 0 } = options;
    const batch = { inputs, targets };
    const thresholds = completeThresholds(options.thresholds);
    const next = optimizer ? byOptimizer(optimizer) : byRate(lr);
    const whole = batchLoss('inspect', loss);
    const checked: BatchFunction = (...tensors) => {
      const result = asScalar('inspect', 'the loss', whole(...tensors));
      requireUsed('inspect', 'inputs', inputs, [result, ...tensorsIn(tensors[0])]);
      requireUsed('inspect', 'targets', targets, [result]);
      return result;
    };
    return examine(model, checked, batch, { next, thresholds, random: { seed, step: 0 } });
  },
);

/** The values that `step` would assign. */
function byOptimizer(optimizer: Optimizer): NextValues {
  return (parameters, gradients) => {
    const { accumulate = 1 } = optimizer.stages;
    const idle = (optimizer.steps + 1) % accumulate !== 0 || !parameters.some(isTrainable);
    return idle ? new Map() : traced(() => optimizer.step(parameters, gradients)).trace.assignments;
  };
}

function byRate(lr: number | undefined): NextValues {
  return (parameters, gradients) => {
    const trained = lr === undefined ? [] : parameters.filter(isTrainable);
    const step = (x: Parameter) => mul(at(gradients, parameters.indexOf(x)), lr as number);
    return new Map(trained.map((x) => [x, sub(x, step(x))]));
  };
}
