import type { Plan, Step } from '../compile/plan/plan.js';

/** Encodes a plan for the addon: the operands and attributes of each step side by side under the kernel's name. */
export function encodePlan({ arenaBytes, bindings, steps }: Plan): object {
  return {
    arenaBytes,
    bindings: bindings.map(({ kind, dtype, shape, bytes }) => ({ kind, dtype, shape, bytes })),
    steps: steps.map(encodeStep),
  };
}

/** Encodes one step. */
export function encodeStep<O>(step: Step<O>): object {
  if (step.kernel === 'scan') return { ...step, body: encodePlan(step.body) };
  if (step.kernel !== 'call') return step;
  const { name, inputs, output, workspace, attributes } = step;
  return { ...attributes, ...inputs, output, ...(workspace ? { workspace } : {}), kernel: name };
}
