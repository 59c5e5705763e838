import type { Fingerprint, Samples } from '../../../checkpoint/fingerprint.js';
import type { DType } from '../../../graph/dtype.js';
import { input, Variable } from '../../../graph/leaf.js';
import type { Shape } from '../../../graph/shapes.js';
import { Storage } from '../../../graph/storage.js';
import { traced } from '../../../graph/trace.js';
import type { ParameterGroup } from '../../../optim/groups.js';
import type { Optimizer } from '../../../optim/index.js';
import { stateShapes, type UpdateRule } from '../../../optim/rule.js';
import { makerOf, type Schedule } from '../../../optim/schedule.js';
import type { FlatParameters } from '../../../parallel/prepare/flat-parameters.js';
import { digestOf, graphDigest } from './graph-digest.js';
import { plainOf } from './plain.js';

/** Updates at which functions are compared: the first ones, and some up to a million. */
const UPDATES = [
  0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1e3, 1.5e3, 2e3, 3e3, 5e3, 7.5e3,
  1e4, 1.5e4, 2e4, 3e4, 5e4, 7.5e4, 1e5, 2e5, 5e5, 1e6,
];
/** Those at which rules are compared, some of which count up to them. */
const EARLY = UPDATES.filter((update) => update <= 1000);
/** The shape of a parameter at which the ops of an update are compared, so that they do not depend on the model. */
const SHAPE = [2, 3];
/** Rates at which the scalars of a rule are compared. */
const RATES = [1, 0.01];

/** An optimiser's rules with their settings, schedules and parameters, and its stages. */
export function optimizerFingerprint(optimizer: Optimizer, flat: FlatParameters): Fingerprint {
  const { groups, stages } = optimizer;
  const paths = (index: number) =>
    flat.parameters.flatMap((parameter) =>
      optimizer.groupOf(parameter) === index && 'path' in parameter ? [String(parameter.path)] : [],
    );
  const shapesOf = (index: number) => [SHAPE, flat.runs.find(({ group }) => group === index)?.shape ?? []];
  const all = groups.map((group, i): Fingerprint => {
    const main = i === groups.length - 1;
    const prefix = main ? 'optimizer' : `optimizer.groups[${i}]`;
    const update = updateDigest(group.rule, flat.memory.dtype, shapesOf(i));
    const own = groupFingerprint(prefix, group, update);
    return main ? own : { ...own, [`${prefix}.parameters`]: plainOf(paths(i)) };
  });
  const { accumulate = 1, clipNorm = null, clipValue = null, average = null } = stages;
  return Object.assign(
    {},
    ...all.toReversed(),
    Object.fromEntries(
      Object.entries({ accumulate, clipNorm, clipValue, average }).map(([name, value]) => [
        `optimizer.${name}`,
        value,
      ]),
    ),
  );
}

function groupFingerprint(prefix: string, { rule, schedule }: ParameterGroup, digest: string): Fingerprint {
  const settings = Object.entries(rule.settings ?? {}).map(([name, value]) => [
    `${prefix}.${name}`,
    plainOf(value),
  ]);
  return {
    [prefix]: rule.name,
    ...Object.fromEntries(settings),
    ...scheduleFingerprint(`${prefix}.lr`, schedule),
    [`${prefix}.update`]: { text: `the update of ${rule.name}`, digest, of: 'operations' },
  };
}

/**
 * A schedule: what made it, and from what, each setting under its own name; or what a function of the caller's own gives
 * at some updates.
 */
export function scheduleFingerprint(name: string, schedule: Schedule): Fingerprint {
  const maker = makerOf(schedule);
  if (!maker) return { [name]: samplesOf(schedule) };
  const { op, settings } = maker;
  if (op === 'constantLR') return { [name]: plainOf(settings.lr) };
  const partsOf = (part: string, value: unknown): Fingerprint => {
    if (typeof value === 'function') return scheduleFingerprint(part, value as Schedule);
    if (!Array.isArray(value) || typeof value[0] === 'number') return { [part]: plainOf(value) };
    return Object.assign({}, ...value.map((one, i) => partsOf(`${part}[${i}]`, one)));
  };
  const parts = Object.entries(settings).map(([key, value]) => partsOf(`${name}.${key}`, value));
  return Object.assign({ [name]: op }, ...parts);
}

/** One that follows reports depends on them, and so tells nothing before they are restored. */
function samplesOf(schedule: Schedule): Samples {
  const follows = 'report' in schedule || 'restore' in schedule;
  const text = `the function ${schedule.name || 'of the step'}`;
  return {
    text: follows ? 'a schedule that follows reports' : text,
    samples: follows ? [] : UPDATES.map((update) => [update, rateOrNull(schedule, update)] as const),
  };
}

function rateOrNull(schedule: Schedule, update: number): number | null {
  const rate: unknown = orNull(() => schedule(update));
  return typeof rate === 'number' ? rate : null;
}

/** A digest of the ops of an update, and of some of the numbers that it is given. */
function updateDigest(rule: UpdateRule, dtype: DType, shapes: readonly Shape[]): string {
  const scalars = RATES.map((lr) => EARLY.map((update) => orNull(() => rule.scalars(update, lr))));
  const graphs = shapes.map((shape) => orNull(() => graphOf(rule, dtype, shape)));
  return digestOf(JSON.stringify(scalars), graphs.find((graph) => graph !== null) ?? 'none');
}

function graphOf(rule: UpdateRule, dtype: DType, shape: Shape): string {
  const parameter = new Variable(new Storage(shape, dtype));
  const { result } = traced(() => {
    const state = stateShapes(rule, shape).map(([name, like]) => input(name, like, dtype));
    const given = rule.scalars(0, 1).map((_, i) => input(`scalar ${i}`, [], dtype));
    return rule.update(parameter, input('gradient', shape, dtype), state, given);
  });
  return graphDigest([result.parameter, ...result.state], () => 'parameter');
}

/** A rule of the caller's own may be made for its parameters alone. */
function orNull<R>(fn: () => R): R | null {
  try {
    return fn();
  } catch {
    return null;
  }
}
