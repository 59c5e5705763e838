import { at } from '../graph/at.js';
import type { PlanRun, Span, Timeline } from '../parallel/protocol/timeline.js';
import type { Profile, TraceEvent } from './report.js';
import type { StepFacts } from './steps.js';

/** Names of the phases in the chart. */
const TITLES = {
  load: 'load',
  gradients: 'gradients',
  wait: 'wait at the barrier',
  sum: 'sum shards',
  update: 'update',
} as const;

/**
 * Converts timelines to a flame chart with one track per worker: training steps contain phases, phases contain the
 * steps of plans, and loops the steps of their bodies. Kernels are drawn back to back from the start of their run; a
 * step of a loop's body is drawn once, with its time over all iterations.
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

/** Outer events first, as viewers expect of events with the same start. */
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
  // Start of the next step in each loop body; under `undefined`, in the plan itself.
  const next = new Map<number | undefined, number>([[undefined, start]]);
  return steps.map(({ op, layer, part, shapes, calls, flops, bytes, loop }, i) => {
    const from = next.get(loop) as number;
    const time = at(milliseconds, i);
    next.set(loop, from + time).set(i, from);
    const rates = {
      'GFLOP/s': digits(flops / time / 1e6),
      'GB/s': digits(bytes / time / 1e6),
    };
    const args = { layer, part, shapes, calls, flops, bytes, ...(flops > 0 || bytes > 0 ? rates : {}) };
    return { span: { start: from, end: from + time }, name: op, cat: part, args };
  });
}

/** Rounded to whole nanoseconds, so that an event never ends after its parent. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}

function digits(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : 0;
}
