import { activeDropout, otherActivation, otherDistribution, otherEmbedding } from './activations.js';
import { activationAfter, remainder, residualAfter } from './after.js';
import { otherAttention } from './attention.js';
import {
  activationBefore,
  layerBefore,
  orderOfFlatten,
  orderOfFlattenLayer,
  orderOfParts,
  preparationOfInput,
} from './before.js';
import { otherCropping, otherWindow } from './convolutions.js';
import type { Suspicion } from './hypothesis.js';
import { otherBatchNorm, otherGroupNorm, otherLayerNorm, otherRMSNorm } from './norms.js';
import { otherAdaptivePool, otherInterpolation, otherPool } from './pools.js';
import { orderOfGates, otherRecurrence, otherStep } from './recurrent.js';
import { orderOfWeights, surplusBias } from './weights.js';

/** All suspicions. Of two that explain a departure equally well, the earlier one is named. */
export const suspicions: readonly Suspicion[] = [
  // The layer itself.
  otherActivation,
  otherDistribution,
  activeDropout,
  otherEmbedding,
  orderOfWeights,
  surplusBias,
  otherWindow,
  otherCropping,
  otherBatchNorm,
  otherLayerNorm,
  otherRMSNorm,
  otherGroupNorm,
  otherPool,
  otherAdaptivePool,
  otherInterpolation,
  orderOfGates,
  otherStep,
  otherRecurrence,
  otherAttention,
  orderOfFlattenLayer,
  // What comes before it, and at its end.
  orderOfFlatten,
  orderOfParts,
  activationBefore,
  layerBefore,
  preparationOfInput,
  activationAfter,
  residualAfter,
  // What a fit leaves open.
  remainder,
];
