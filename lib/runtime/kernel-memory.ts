import type { Plan } from '../compile/plan/plan.js';
import { addon } from './addon.js';
import { encodePlan } from './encode.js';
import { clockedSteps } from './executable.js';

/** Bytes of the description of a step, here and in the addon: measured, and rounded up. */
const STEP_BYTES = 4096;

/** The bytes that an executable of a plan takes besides the arena: scratch of kernels, and descriptions of steps. */
export function kernelBytes(plan: Plan): number {
  const known = counted.get(plan);
  if (known !== undefined) return known;
  const bytes = STEP_BYTES * clockedSteps(plan).length + addon().scratchBytes(encodePlan(plan));
  counted.set(plan, bytes);
  return bytes;
}

const counted = new WeakMap<Plan, number>();
