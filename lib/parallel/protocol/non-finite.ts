import { type ChainruleError, invalid } from '../../graph/errors.js';

const EXPECTED = 'the loss must stay finite';

/** The error of a step whose loss is not finite, where that ends training. */
export function lossNotFinite(loss: number, epoch: number, step: number): ChainruleError {
  return invalid(
    'fit',
    `${EXPECTED}, but was ${loss} at epoch ${epoch}, step ${step}; a smaller learning rate or gradient clipping may ` +
      'help. The parameters are those of the step before',
  );
}

/** Whether an error, perhaps a copy from another thread, which has the message only, is one of these. */
export function isLossNotFinite(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(`fit: ${EXPECTED}`);
}
