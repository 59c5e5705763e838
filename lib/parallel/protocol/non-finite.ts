import { type ChainruleError, invalid } from '../../graph/errors.js';

const EXPECTED = 'the loss must stay finite';

/** The error that ends training at a step whose loss is not finite. */
export function lossNotFinite(loss: number, epoch: number, step: number): ChainruleError {
  return invalid(
    'fit',
    `${EXPECTED}, but was ${loss} at epoch ${epoch}, step ${step}; a smaller learning rate or gradient clipping may ` +
      'help. The parameters are those of the step before',
  );
}

/** True for a `lossNotFinite` error, or a copy from another thread, which has only the message. */
export function isLossNotFinite(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(`fit: ${EXPECTED}`);
}
