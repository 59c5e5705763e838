import type { Unit } from '../fuse/units.js';
import type { Step } from '../plan/plan.js';
import type { Value } from '../plan/values.js';
import type { Destinations, Target } from './destinations.js';
import { Lowering, type LoweringContext } from './lower.js';

/** As for one unit, with all destinations instead of the direct ones. */
export interface LoweringInput extends Omit<LoweringContext, 'destinations'> {
  readonly destinations: Destinations;
}

/** Lowers scheduled units to steps, with the copies that outputs and assignments need before and after them. */
export function lowerUnits(schedule: readonly Unit[], input: LoweringInput): readonly Step<Value>[] {
  const { before, after, direct } = input.destinations;
  const lowering = new Lowering({ ...input, destinations: direct });
  const saved = before.map((target) => {
    const { value, variable, binding } = target;
    const copy = lowering.copy(
      lowering.valueOf(value),
      'output',
      variable ? undefined : binding,
      value.origin,
    );
    return { target, copy };
  });
  for (const unit of schedule) lowering.lower(unit);
  const write = ({ value, variable, binding }: Target, source: Value) =>
    lowering.copy(source, variable ? 'assign' : 'output', binding, value.origin);
  const late = after.map((target) => ({ target, copy: lowering.valueOf(target.value) }));
  for (const { target, copy } of saved) if (target.variable) write(target, copy);
  for (const { target, copy } of late) write(target, copy);
  return lowering.steps;
}
