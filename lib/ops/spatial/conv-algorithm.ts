import { invalid } from '../../graph/errors.js';
import type { ConvAlgorithm } from '../primitives/conv.js';

/** The variable of the environment that holds the algorithm of the process. */
const VARIABLE = 'CHAINRULE_CONV_ALGORITHM';

/** The algorithm that an option names, or else that of the process. */
export function convAlgorithm(op: string, option: ConvAlgorithm | undefined): ConvAlgorithm {
  if (option !== undefined) return requireAlgorithm(op, 'algorithm', option);
  const ofProcess = process.env[VARIABLE];
  return ofProcess ? requireAlgorithm(op, VARIABLE, ofProcess) : 'auto';
}

function requireAlgorithm(op: string, name: string, value: string): ConvAlgorithm {
  if (value === 'auto' || value === 'direct') return value;
  throw invalid(op, `${name} must be 'auto' or 'direct'`, value);
}
