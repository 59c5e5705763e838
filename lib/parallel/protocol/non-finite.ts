import { type ChainruleError, failed } from '../../graph/errors.js';

/** The error that ends training at a step whose loss is not finite. */
export function lossNotFinite(loss: number, epoch: number, step: number): ChainruleError {
  return failed(
    'ERR_CHAINRULE_NON_FINITE',
    'fit',
    `the loss must stay finite, but was ${loss} at epoch ${epoch}, step ${step}; a smaller learning rate or gradient ` +
      'clipping may help. The parameters are those of the step before',
  );
}
