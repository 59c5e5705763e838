import { bytesPerElement } from '../../graph/dtype.js';
import type { Operand, Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';

/** Replaces the values of steps by operands: buffer, byte offset and strides. */
export function assignOffsets(steps: readonly Step<Value>[], offsets: ReadonlyMap<number, number>): Step[] {
  const place = ({ buffer, layout, dtype }: Value): Operand => {
    const start = buffer.kind === 'arena' ? (offsets.get(buffer.id) as number) : 0;
    return {
      buffer: buffer.kind === 'arena' ? 0 : buffer.index + 1,
      offset: start + layout.offset * bytesPerElement(dtype),
      dtype,
      shape: layout.shape,
      strides: layout.strides,
    };
  };
  return steps.map((step) => {
    const { scopes, ...placed } = mapOperands(step, place);
    return placed;
  });
}

/** A copy of a step with `change` applied to its operands. */
export function mapOperands<A, B>(step: Step<A>, change: (operand: A) => B): Step<B> {
  const all = (operands: readonly A[]) => operands.map(change);
  switch (step.kernel) {
    case 'map':
      return { ...step, operands: all(step.operands), outputs: all(step.outputs) };
    case 'reduce':
      return {
        ...step,
        operands: all(step.operands),
        outputs: all(step.outputs),
        reductions: step.reductions.map((reduction) => ({ ...reduction, output: change(reduction.output) })),
      };
    case 'copy':
      return { ...step, input: change(step.input), output: change(step.output) };
    case 'fill':
      return { ...step, output: change(step.output) };
    case 'call': {
      const { workspace, ...rest } = step;
      const inputs = Object.fromEntries(Object.entries(step.inputs).map(([name, x]) => [name, change(x)]));
      const scratch = workspace ? { workspace: change(workspace) } : {};
      return { ...rest, inputs, output: change(step.output), ...scratch };
    }
    case 'scan': {
      const { workspace, ...rest } = step;
      const bindings = step.bindings.map((binding) => ({ ...binding, operand: change(binding.operand) }));
      return { ...rest, bindings, ...(workspace ? { workspace: change(workspace) } : {}) };
    }
  }
}
