import type { PlanRun, Span, Timeline } from '../parallel/protocol/timeline.js';
import type { Profile, TraceEvent } from './report.js';
import type { StepFacts } from './steps.js';

/** The names of the phases in the chart. */
const TITLES = {
  load: 'load',
  gradients: 'gradients',
  wait: 'wait at the barrier',
  sum: 'sum shards',
  update: 'update',
} as const;

/**
 * The timelines as a flame chart with a track for each worker: training steps, in them the phases, in these the steps of
 * the plans, and in loops those of their bodies. Kernels are drawn one behind another from the start of their run; the
 * steps of a body with the time that they took over all turns of the loop.
 */
export function chromeTrace(
  plans: readonly (readonly StepFacts[])[],
  timelines: readonly Timeline[],
): Profile['trace'] {
  const origin = Math.min(...timelines.flatMap(({ phases }) => phases.map(({ start }) => start)));
  const traceEvents = timelines.flatMap((timeline, rank) => [
    nameOf(rank),
    ...eventsOf(plans, timeline).map(({ span, name, cat, args }): TraceEvent => {
      const [from, to] = [microseconds(span.start - origin), microseconds(span.end - origin)];
      return { name, cat, ph: 'X', pid: 0, tid: rank, ts: from, dur: microseconds((to - from) / 1000), args };
    }),
  ]);
  return { traceEvents, displayTimeUnit: 'ms' };
}

interface Event {
  readonly span: Span;
  readonly name: string;
  readonly cat: string;
  readonly args: TraceEvent['args'];
}

function nameOf(rank: number): TraceEvent {
  const args = { name: `worker ${rank}` };
  return { name: 'thread_name', cat: '', ph: 'M', pid: 0, tid: rank, ts: 0, dur: 0, args };
}

/** Outer events first, as viewers expect of events that begin together. */
function eventsOf(plans: readonly (readonly StepFacts[])[], { phases, runs }: Timeline): Event[] {
  const steps = new Map<number, Span>();
  for (const { step, start, end } of phases) {
    steps.set(step, { start: steps.get(step)?.start ?? start, end });
  }
  return [
    ...[...steps.values()].map((span, i) => ({ span, name: `step ${i}`, cat: 'step', args: {} })),
    ...phases.map(({ phase, ...span }) => ({ span, name: TITLES[phase], cat: 'phase', args: {} })),
    ...runs.flatMap((run) => kernelEvents(plans[run.plan] ?? [], run)),
  ];
}

function kernelEvents(steps: readonly StepFacts[], { start, milliseconds }: PlanRun): Event[] {
  // Where the next step of each body goes; of the plan itself under `undefined`.
  const next = new Map<number | undefined, number>([[undefined, start]]);
  return steps.map(({ op, layer, part, shapes, calls, flops, bytes, loop }, i) => {
    const from = next.get(loop) as number;
    const time = milliseconds[i] as number;
    next.set(loop, from + time).set(i, from);
    const rates = {
      'GFLOP/s': digits(flops / time / 1e6),
      'GB/s': digits(bytes / time / 1e6),
    };
    const args = { layer, part, shapes, calls, flops, bytes, ...(flops > 0 || bytes > 0 ? rates : {}) };
    return { span: { start: from, end: from + time }, name: op, cat: part, args };
  });
}

/** Whole nanoseconds, so that an event that ends with its parent does not end behind it. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}

function digits(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : 0;
}
