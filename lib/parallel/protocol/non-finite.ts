import { type ChainruleError, failed } from '../../graph/errors.js';

const REMEDY =
  'a smaller learning rate or gradient clipping may help. The parameters are those of the step before';

/** The error that ends training at a step whose loss is not finite. */
export function lossNotFinite(loss: number, epoch: number, step: number): ChainruleError {
  return failed(
    'ERR_CHAINRULE_NON_FINITE',
    'fit',
    `the loss must stay finite, but was ${loss} at epoch ${epoch}, step ${step}; ${REMEDY}`,
  );
}

/** The error that ends training at a step whose gradient, or a buffer's next value, is not finite. */
export function gradientNotFinite(loss: number, epoch: number, step: number): ChainruleError {
  return failed(
    'ERR_CHAINRULE_NON_FINITE',
    'fit',
    `the gradient must stay finite, but was not at epoch ${epoch}, step ${step}, where the loss was ${loss}; ${REMEDY}`,
  );
}

/** The error that ends training when the parameters themselves are not finite, so that no step can be right. */
export function parametersNotFinite(epoch: number, step: number): ChainruleError {
  return failed(
    'ERR_CHAINRULE_NON_FINITE',
    'fit',
    `the parameters must be finite, but are not at epoch ${epoch}, step ${step}: an update before it overflowed, or ` +
      'they were not finite from the start. Go on from a checkpoint, with a smaller learning rate',
  );
}
