import { invalid } from '../../graph/errors.js';
import type { Trace } from '../../graph/trace.js';

/** @throws if a traced function does more than inference: it assigns variables, or calls modules that are in training */
export function requireInference({ assigned, afterRun, modesRead }: Trace): void {
  for (const [module, { training, layer }] of modesRead) {
    if (!training) continue;
    const name = `${module.constructor.name}${layer === undefined ? '' : ` (${layer})`}`;
    throw invalid(
      'compile',
      `inference: true needs modules in inference, but ${name} is in training; call model.eval()`,
    );
  }
  const [variable] = assigned;
  if (variable || afterRun.length > 0) {
    throw invalid('compile', 'a function with inference: true must not assign variables', variable);
  }
}
