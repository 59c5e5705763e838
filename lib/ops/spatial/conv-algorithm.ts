import { invalid } from '../../graph/errors.js';
import type { ConvAlgorithm } from '../primitives/images/conv.js';

/** The variable of the environment that holds the algorithm of the process. */
const VARIABLE = 'CHAINRULE_CONV_ALGORITHM';

/** The algorithm that an option names, or else that of the process. */
export function convAlgorithm(op: string, option: ConvAlgorithm | undefined): ConvAlgorithm {
  if (option !== undefined) return option;
  const ofProcess = process.env[VARIABLE];
  if (!ofProcess) return 'auto';
  if (ofProcess === 'auto' || ofProcess === 'direct') return ofProcess;
  throw invalid(op, `${VARIABLE} must be 'auto' or 'direct'`, ofProcess);
}
