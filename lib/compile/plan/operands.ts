import type { Step } from './plan.js';

/** The operands that a step reads and writes. */
export function operandsOf<O>(step: Step<O>): { reads: readonly O[]; writes: readonly O[] } {
  switch (step.kernel) {
    case 'map':
      return { reads: step.operands, writes: step.outputs };
    case 'reduce':
      return {
        reads: step.operands,
        writes: [...step.outputs, ...step.reductions.map(({ output }) => output)],
      };
    case 'copy':
      return { reads: [step.input], writes: [step.output] };
    case 'fill':
      return { reads: [], writes: [step.output] };
    case 'call':
      return {
        reads: Object.values(step.inputs),
        writes: step.workspace ? [step.output, step.workspace] : [step.output],
      };
    case 'scan': {
      const operands = step.bindings.map(({ operand }) => operand);
      const written = operands.slice(step.reads);
      return {
        reads: operands.slice(0, step.reads),
        writes: step.workspace ? [...written, step.workspace] : written,
      };
    }
  }
}
