import type { Tensor } from '../../graph/tensor.js';
import { requireFloat } from '../../ops/primitives/checks.js';
import { neg } from '../../ops/primitives/elementwise.js';
import { accuracy } from './accuracy.js';
import { configurable } from './configurable.js';
import type { ClassLoss } from './cross-entropy.js';
import { checkLabelRange, type LabelOptions, Labels, labelOptions, requireLabelOptions } from './labels.js';
import type { OutputAndTarget } from './loss.js';

/**
 * The negative log-likelihood of labels under log-probabilities, as `torch.nn.NLLLoss`. `crossEntropy` is this loss
 * of `logSoftmax`, with its mean over the same samples.
 *
 * @param logProbabilities [..., classes]
 * @param labels [...], int32 or uint8, from 0 to classes - 1; any other label is an error at run time
 */
export const nllLoss = configurable<OutputAndTarget, LabelOptions, ClassLoss>(
  'nllLoss',
  ['output', 'target', 'weights'],
  labelOptions,
  (options: LabelOptions = {}) => {
    const { ignoreIndex, reduction = 'mean' } = options;
    requireLabelOptions('nllLoss', options);
    const loss = (logProbabilities: Tensor, target: Tensor, weights?: Tensor): Tensor => {
      requireFloat('nllLoss', logProbabilities, 'output must be float32 or float64');
      const labels = new Labels('nllLoss', logProbabilities, target, options);
      return labels.reduce(labels.weighted(neg(labels.pick(logProbabilities))), reduction, weights);
    };
    const counted = ignoreIndex === undefined ? accuracy : accuracy.with({ ignoreIndex });
    return Object.assign(loss, {
      metrics: { accuracy: counted },
      checkTargets: checkLabelRange('nllLoss', ignoreIndex),
    });
  },
);
