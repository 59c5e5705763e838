import { at } from '../graph/at.js';
import { gradientPlansOf, plansOf, type TrainingJob } from '../parallel/protocol/job.js';
import type { PlanRun, Timeline } from '../parallel/protocol/timeline.js';
import { chromeTrace } from './chrome-trace.js';
import type { LayerWork, OpWork, Profile, ProfileParts, StepWork, Work } from './report.js';
import { describeSteps, ownTimes, type StepFacts } from './steps.js';

/** A recorded training run. */
export interface ProfiledRun {
  readonly training: TrainingJob;
  /** Timeline of each worker, by rank. */
  readonly timelines: readonly Timeline[];
  /** Number of initial steps to leave out. */
  readonly warmUp: number;
  readonly steps: number;
  readonly peakGflopsPerSecond: number;
  readonly peakGigabytesPerSecond: number;
}

/** Maximum length of the list of slowest steps. */
const SLOWEST = 25;

/** A step with its totals over all workers and training steps. */
interface Total extends StepFacts {
  milliseconds: number;
  /** Milliseconds of one call in the fastest run. */
  fastest: number;
  totalCalls: number;
  totalFlops: number;
  totalBytes: number;
}

/** Computes a profile from the timelines of the workers. */
export function summarise(run: ProfiledRun): Profile {
  const { training, warmUp, steps, peakGflopsPerSecond, peakGigabytesPerSecond } = run;
  const timelines = run.timelines.map((timeline) => afterWarmUp(timeline, warmUp));
  const workers = timelines.length;
  const gradientPlans = gradientPlansOf(training).length;
  const plans = plansOf(training).map((plan, i) =>
    describeSteps(plan, i < gradientPlans ? 'gradients' : 'update'),
  );
  const totals = addUp(
    plans,
    timelines.flatMap(({ runs }) => runs),
  );
  const milliseconds = mean(timelines.map(wallTime)) / steps;
  const scale = { runs: workers * steps, milliseconds, peak: peakGflopsPerSecond / workers };
  const { batchSize } = training;
  return {
    workers,
    steps,
    batchSize,
    milliseconds,
    examplesPerSecond: (1000 * batchSize) / milliseconds,
    peakGflopsPerSecond,
    peakGigabytesPerSecond,
    parts: partsOf(timelines, totals, scale),
    ops: group(totals, ({ op }) => op)
      .map(([op, members]): OpWork => ({ op, ...workOf(members, scale) }))
      .sort(slowestFirst),
    layers: group(totals, ({ layer }) => layer)
      .map(([layer, members]) => layerWork(layer, members, scale))
      .sort(slowestFirst),
    slowest: group(totals, ({ op, layer, part, shapes }) => [op, layer, part, shapes].join('|'))
      .map(([, members]) => stepWork(members, scale))
      .sort(slowestFirst)
      .slice(0, SLOWEST),
    trace: chromeTrace(plans, timelines),
  };
}

function afterWarmUp({ phases, runs }: Timeline, warmUp: number): Timeline {
  const isMeasured = ({ step }: { readonly step: number }) => step >= warmUp;
  return { phases: phases.filter(isMeasured), runs: runs.filter(isMeasured) };
}

function wallTime({ phases }: Timeline): number {
  return (phases.at(-1)?.end ?? 0) - (phases[0]?.start ?? 0);
}

/** The totals of every step of every plan that ran. */
function addUp(plans: readonly (readonly StepFacts[])[], runs: readonly PlanRun[]): Total[] {
  const totals = plans.map((steps) =>
    steps.map(
      (step): Total => ({
        ...step,
        milliseconds: 0,
        fastest: Number.POSITIVE_INFINITY,
        totalCalls: 0,
        totalFlops: 0,
        totalBytes: 0,
      }),
    ),
  );
  for (const run of runs) {
    const steps = totals[run.plan] ?? [];
    const own = ownTimes(steps, run.milliseconds);
    steps.forEach((step, i) => {
      const time = at(own, i);
      step.milliseconds += time;
      step.fastest = Math.min(step.fastest, time / step.calls);
      step.totalCalls += step.calls;
      step.totalFlops += step.flops;
      step.totalBytes += step.bytes;
    });
  }
  return totals.flat().filter(({ totalCalls }) => totalCalls > 0);
}

/** Divisors of totals: runs (one per worker and training step), time of a training step, and peak of one worker. */
interface Scale {
  readonly runs: number;
  readonly milliseconds: number;
  readonly peak: number;
}

function workOf(members: readonly Total[], { runs, milliseconds: whole, peak }: Scale): Work {
  const milliseconds = sumOf(members, ({ milliseconds }) => milliseconds) / runs;
  const flops = sumOf(members, ({ totalFlops }) => totalFlops) / runs;
  const bytes = sumOf(members, ({ totalBytes }) => totalBytes) / runs;
  const rate = (amount: number) => (milliseconds > 0 ? amount / milliseconds / 1e6 : 0);
  return {
    milliseconds,
    share: milliseconds / whole,
    calls: sumOf(members, ({ totalCalls }) => totalCalls) / runs,
    flops,
    bytes,
    gflopsPerSecond: rate(flops),
    gigabytesPerSecond: rate(bytes),
    ofPeak: rate(flops) / peak,
  };
}

function layerWork(layer: string, members: readonly Total[], scale: Scale): LayerWork {
  const timeOf = (part: StepWork['part']) =>
    sumOf(members, (step) => (step.part === part ? step.milliseconds : 0)) / scale.runs;
  return {
    layer,
    ...workOf(members, scale),
    forwardMilliseconds: timeOf('forward'),
    backwardMilliseconds: timeOf('backward'),
  };
}

function stepWork(members: readonly Total[], scale: Scale): StepWork {
  const { op, layer, part, shapes } = at(members, 0);
  const fastestMilliseconds = Math.min(...members.map(({ fastest }) => fastest));
  return { op, layer, part, shapes, ...workOf(members, scale), fastestMilliseconds };
}

/** Splits the time of a step into parts. The overhead is the remainder, so that the parts add up to the whole. */
function partsOf(timelines: readonly Timeline[], totals: readonly Total[], scale: Scale): ProfileParts {
  const spans = timelines.flatMap(({ phases }) => phases);
  const phase = (name: string) =>
    sumOf(spans, (span) => (span.phase === name ? span.end - span.start : 0)) / scale.runs;
  const part = (name: string) =>
    sumOf(totals, (step) => (step.part === name ? step.milliseconds : 0)) / scale.runs;
  const known = {
    load: phase('load'),
    forward: part('forward'),
    backward: part('backward'),
    wait: phase('wait'),
    sum: phase('sum'),
    update: part('update'),
  };
  return { ...known, overhead: scale.milliseconds - sumOf(Object.values(known), (time) => time) };
}

function group(totals: readonly Total[], keyOf: (step: Total) => string): [string, Total[]][] {
  const groups = new Map<string, Total[]>();
  for (const step of totals) {
    const key = keyOf(step);
    const members = groups.get(key);
    if (members) members.push(step);
    else groups.set(key, [step]);
  }
  return [...groups];
}

function slowestFirst(a: Work, b: Work): number {
  return b.milliseconds - a.milliseconds;
}

function sumOf<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((sum, item) => sum + of(item), 0);
}

function mean(values: readonly number[]): number {
  return sumOf(values, (value) => value) / values.length;
}
