import { bytesPerElement } from '../graph/dtype.js';
import type { Operand, Step } from './plan.js';
import type { Value } from './values.js';

/** The steps with every value replaced by its place: a buffer, a byte offset, strides. */
export function placeSteps(steps: readonly Step<Value>[], offsets: ReadonlyMap<number, number>): Step[] {
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
  const places = (values: readonly Value[]) => values.map(place);
  const placeStep = (step: Step<Value>): Step => {
    switch (step.kernel) {
      case 'map':
        return { ...step, operands: places(step.operands), outputs: places(step.outputs) };
      case 'reduce':
        return {
          ...step,
          operands: places(step.operands),
          outputs: places(step.outputs),
          reductions: step.reductions.map((reduction) => ({ ...reduction, output: place(reduction.output) })),
        };
      case 'copy':
        return { ...step, input: place(step.input), output: place(step.output) };
      case 'fill':
        return { ...step, output: place(step.output) };
      case 'call': {
        const { workspace, ...rest } = step;
        const inputs = Object.fromEntries(Object.entries(step.inputs).map(([name, x]) => [name, place(x)]));
        const scratch = workspace ? { workspace: place(workspace) } : {};
        return { ...rest, inputs, output: place(step.output), ...scratch };
      }
      case 'scan': {
        const { workspace, ...rest } = step;
        const bindings = step.bindings.map((binding) => ({ ...binding, operand: place(binding.operand) }));
        return { ...rest, bindings, ...(workspace ? { workspace: place(workspace) } : {}) };
      }
    }
  };
  return steps.map((step) => {
    const { region, ...placed } = placeStep(step);
    return placed;
  });
}
