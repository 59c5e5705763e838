import { type Compiled, compileGraph } from '../../compile/compile.js';
import { input } from '../../graph/leaf.js';
import { traced } from '../../graph/trace.js';
import { bind } from '../../runtime/bind.js';
import { clockedSteps, Executable } from '../../runtime/executable.js';
import { nativeKernels } from '../../runtime/native-kernels.js';
import { alignedCopy } from '../limits/aligned-floats.js';
import { randomValues } from '../random-data.js';
import type { KernelCase } from './kernel-case.js';

/** A kernel that is ready to run on this thread. */
export interface PreparedKernel {
  /** Repeats it for about so long, and returns the milliseconds of one run in the quickest stretch. */
  time(milliseconds: number): number;
  release(): void;
}

/** Stretches of a measurement. */
const STRETCHES = 8;

/** The operands of a case in the memory of this thread. */
export function operandsOf({ inputs }: KernelCase): (Float32Array | Int32Array)[] {
  return inputs.map((values, i) => randomValues(values, 1, i + 1));
}

/** Compiles a case as any function of the library is compiled. */
export function compileCase({ inputs, graph }: KernelCase) {
  const leaves = inputs.map(({ shape, dtype }, i) => input(`input${i}`, shape, dtype));
  const { result: outputs, trace } = traced(() => graph(leaves));
  const { assignments } = trace;
  const compiled = compileGraph({ inputs: leaves, outputs, assignments }, nativeKernels);
  return { outputs, compiled, assigned: [...assignments.keys()] };
}

/** Compiles a case, and binds its operands. */
export function prepareKernel(of: KernelCase): PreparedKernel {
  const { compiled, outputs } = compileCase(of);
  // As in a training, where parameters and arenas are aligned.
  const bindings = bind(compiled, operandsOf(of), outputs).bindings.map(alignedCopy);
  const executable = new Executable(compiled.plan);
  const clocks = new Float64Array(clockedSteps(compiled.plan).length);
  const whole = clocksOfPlan(compiled);
  // The clocks of the steps leave out what a call from JavaScript costs.
  const run = (times: number): number => {
    clocks.fill(0);
    for (let i = 0; i < times; i++) executable.runTimed(bindings, { seed: 0, step: i }, clocks);
    return whole.reduce((total, clock) => total + (clocks[clock] as number), 0) / times;
  };
  run(1);
  return {
    time(milliseconds) {
      const stretch = milliseconds / STRETCHES;
      const times = Math.max(1, Math.round(stretch / wallTime(run)));
      const end = performance.now() + milliseconds;
      let best = run(times);
      // At least twice, since other work may disturb a long run.
      do best = Math.min(best, run(times));
      while (performance.now() < end);
      return best;
    },
    release: () => executable.release(),
  };
}

/** Milliseconds of a run with all that a call costs. */
function wallTime(run: (times: number) => number): number {
  const start = performance.now();
  run(1);
  return performance.now() - start;
}

/** The clocks of a plan's own steps; those of the steps of a loop's body run within the loop's. */
function clocksOfPlan({ plan }: Compiled): number[] {
  let next = 0;
  return plan.steps.map((step) => {
    const clock = next;
    next += step.kernel === 'scan' ? 1 + clockedSteps(step.body).length : 1;
    return clock;
  });
}
