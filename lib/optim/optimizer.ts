import { at } from '../graph/at.js';
import { formatType, invalid, requireOptions } from '../graph/errors.js';
import { full, hostScalar, Variable } from '../graph/leaf.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import { Storage } from '../graph/storage.js';
import { Tensor } from '../graph/tensor.js';
import { assign, currentTrace, guard } from '../graph/trace.js';
import { requireLasting } from '../nn/lasting.js';
import { Parameter } from '../nn/parameter.js';
import { add, cast, div, eq, gt, mul, where } from '../ops/primitives/elementwise.js';
import { AverageExchange } from './averages.js';
import type { GroupMatch } from './options.js';
import type { ParameterMemory } from './requests.js';
import { stateShapes, type UpdateRule } from './rule.js';
import { reportTo, restoreAll, type Schedule, type ScheduleState, statesOf } from './schedule.js';
import { clipScaleOf, type StepScalars, updatePiece } from './update.js';

/** The stages of an optimiser that treat all parameters together, around the rule that updates each. */
export interface Stages {
  /**
   * Steps whose mean gradient makes one update; the parameters stay unchanged in between. Schedules count updates. In a
   * `Trainer` each step weighs as its loss does, by default by the rows of its batch, so that small batches make the step
   * of the whole one. Steps are counted over epochs and calls: an epoch's rest goes on in the next. Default 1.
   */
  readonly accumulate?: number;
  /** Scales the gradients of all parameters so that their joint norm is at most this (Pascanu et al. 2013). */
  readonly clipNorm?: number;
  /** Clamps each gradient element to between minus this and this, after `clipNorm`. */
  readonly clipValue?: number;
  /**
   * Keeps an exponential moving average of the parameters with this decay, such as 0.999 (Polyak & Juditsky 1992). It
   * starts from their values after the first update. `withAverages` lets the parameters hold it temporarily.
   */
  readonly average?: number;
}

export interface StepOptions {
  /**
   * Weight of these gradients among those that are averaged, as the number of rows whose mean they are of: by steps that
   * `accumulate` joins, and by shards of a data-parallel function. Default: 1; in `dataParallel` that of the loss if it is
   * one of this package, else the number of rows.
   */
  readonly weight?: number | Tensor;
}

/** Parameters that are updated by one rule at one rate. A group without `match` takes all that no other group takes. */
export interface ParameterGroup extends Partial<GroupMatch> {
  readonly rule: UpdateRule;
  readonly schedule: Schedule;
}

/** Groups of parameters with their rules and rates, and in a hand-written loop also the state of the parameters. */
export class Optimizer {
  #steps = 0;
  /** Weight of the steps taken since the last update by compiled and data-parallel functions. */
  readonly #accumulated = new Variable(new Storage([], 'float64'));
  readonly #memory = new Map<Variable, ParameterMemory>();
  readonly #averages = new AverageExchange(() =>
    [...this.#memory].flatMap(([parameter, { average }]) =>
      average ? [[parameter.storage.data, average.storage.data] as const] : [],
    ),
  );

  /** All groups; the last, without `match`, takes the parameters that no other takes. */
  readonly groups: readonly ParameterGroup[];

  /**
   * An optimiser with a custom rule.
   *
   * @param rule updates the parameters that no group takes
   * @param schedule their learning rate
   * @param groups parameters with other rules or rates; the first that matches a parameter takes it
   */
  constructor(
    readonly rule: UpdateRule,
    readonly schedule: Schedule,
    readonly stages: Stages = {},
    groups: readonly (ParameterGroup & GroupMatch)[] = [],
  ) {
    this.groups = [...groups, { rule, schedule }];
  }

  get name(): string {
    return this.rule.name;
  }

  /** Steps taken by compiled and data-parallel functions that call `step`. */
  get steps(): number {
    return this.#steps;
  }

  /** The number of updates made in the first `steps` steps. */
  updatesAfter(steps: number): number {
    return Math.floor(steps / (this.stages.accumulate ?? 1));
  }

  /** The index of a parameter's group. */
  groupOf(parameter: Variable): number {
    const path = parameter instanceof Parameter ? parameter.path : '';
    return this.groups.findIndex(({ match }) => {
      if (!match) return true;
      return typeof match === 'function' ? match(path, parameter) : path.search(match) >= 0;
    });
  }

  /**
   * All scalars of an update: those of the groups' rules in order, then those of the average. Throws if a schedule
   * gives no finite number.
   */
  scalarsAt(update: number): readonly number[] {
    const rules = this.groups.flatMap(({ rule, schedule }) => {
      const lr = schedule(update);
      if (!Number.isFinite(lr)) {
        throw invalid(rule.name, `the schedule must give a number at step ${update}`, lr);
      }
      return rule.scalars(update, lr);
    });
    const { average } = this.stages;
    if (average === undefined) return rules;
    const keep = update === 0 ? 0 : average;
    return [...rules, keep, 1 - keep];
  }

  /** The scalars for one group, from those of the whole update. */
  scalarsOf(group: number, all: readonly Tensor[]): StepScalars {
    const counts = this.groups.map(({ rule, schedule }) => rule.scalars(0, schedule(0)).length);
    const start = counts.slice(0, group).reduce((total, count) => total + count, 0);
    const end = counts.reduce((total, count) => total + count, 0);
    return { rule: all.slice(start, start + at(counts, group)), average: all.slice(end) };
  }

  /**
   * Inside a function given to `compile()` or `dataParallel()`: updates each parameter by its gradient on every run.
   * Frozen parameters stay unchanged; the function is traced again when one of `parameters` is frozen or unfrozen.
   */
  step(parameters: readonly Variable[], gradients: readonly Tensor[], options: StepOptions = {}): void {
    const trace = currentTrace(`${this.name}.step`);
    const weight = requireWeight(this.name, options);
    const trained = this.#requireTrainable(parameters, gradients);
    const losses = gradients.flatMap((gradient) => trace.gradientCalls.get(gradient)?.loss ?? []);
    requireLasting(`${this.name}.step`, new Set(losses), parameters, trace);
    const wanted = parameters.map(isTrainable);
    guard(() => parameters.every((parameter, i) => isTrainable(parameter) === wanted[i]));
    const memories = trained.map(([parameter]) => this.#memoryOf(parameter));
    trace.afterRun.push(() => {
      this.#steps++;
    });
    if (trace.updates) {
      const [own, theirs] = [
        trained.map(([parameter]) => parameter),
        trained.map(([, gradient]) => gradient),
      ];
      const given = weight === undefined ? {} : { weight };
      const accumulated = this.#accumulated;
      trace.updates.push({
        optimizer: this,
        parameters: own,
        gradients: theirs,
        memories,
        accumulated,
        ...given,
      });
      return;
    }
    const scalars = this.scalarsAt(0).map((_, i) =>
      hostScalar(`${this.name} ${i}`, () => at(this.scalarsAt(this.updatesAfter(this.#steps)), i)),
    );
    const { accumulate = 1, clipNorm } = this.stages;
    // Index of the step within its update. At 0 the sums still hold the gradients of the previous update.
    const turn = hostScalar(`${this.name} turn`, () => this.#steps % accumulate);
    const sums = trained.map(([, gradient], i) => {
      const sum = memories[i]?.sum;
      if (!sum) return gradient;
      const share = weight ? mul(gradient, cast(weight, gradient.dtype)) : gradient;
      return where(gt(turn, 0), add(sum, share), share);
    });
    const means = accumulate > 1 ? divided(sums, this.#accumulate(turn, weight)) : sums;
    const clip = clipNorm === undefined ? undefined : clipScaleOf(clipNorm, means);
    const due = accumulate > 1 ? eq(turn, accumulate - 1) : undefined;
    trained.forEach(([parameter], i) => {
      const { state, average, sum } = at(memories, i);
      const group = this.groupOf(parameter);
      const piece = { parameter, gradient: at(means, i), state, average };
      const { rule } = at(this.groups, group);
      const next = updatePiece(rule, this.stages, piece, { ...this.scalarsOf(group, scalars), clip });
      for (const [variable, value] of next) assign(variable, due ? where(due, value, variable) : value);
      if (sum) assign(sum, at(sums, i));
    });
  }

  /**
   * Reports a figure to the schedules that follow one, such as `reduceOnPlateau`. A trainer does so after each epoch.
   */
  report(figure: number): void {
    for (const schedule of new Set(this.groups.map((group) => group.schedule))) reportTo(schedule, figure);
  }

  /** State of the groups' schedules as plain values, for checkpoints. */
  scheduleStates(): ScheduleState[] {
    return statesOf(this.groups.map((group) => group.schedule));
  }

  /**
   * Resumes the schedules from a result of `scheduleStates`, in this process or another.
   *
   * @throws if the schedules are of other kinds
   */
  restoreSchedules(states: readonly ScheduleState[]): void {
    restoreAll(
      this.groups.map((group) => group.schedule),
      states,
    );
  }

  /**
   * Runs a function, for example to evaluate or save a model, while the parameters that this optimiser has updated
   * hold their moving averages; then restores their own values. No step may be under way.
   *
   * @throws if the optimiser keeps no averages (see the option `average`)
   */
  async withAverages<R>(fn: () => R | Promise<R>): Promise<R> {
    if (this.stages.average === undefined) throw invalid(this.name, 'withAverages needs the option average');
    return this.#averages.run(fn);
  }

  #requireTrainable(parameters: readonly Variable[], gradients: readonly Tensor[]): [Variable, Tensor][] {
    if (parameters.length !== gradients.length) {
      throw invalid(this.name, `one gradient for each of ${parameters.length} parameters`, gradients.length);
    }
    if (new Set(parameters).size !== parameters.length) {
      throw invalid(this.name, 'each parameter must be given once');
    }
    const pairs = parameters.map((parameter, i): [Variable, Tensor] => [parameter, gradients[i] as Tensor]);
    const trained = pairs.filter(([parameter]) => isTrainable(parameter));
    if (trained.length === 0) throw invalid(this.name, 'at least one parameter must be trainable');
    for (const [parameter, gradient] of trained) {
      const like = gradient.dtype === parameter.dtype && sameShape(gradient.shape, parameter.shape);
      if (like) continue;
      const expected = `the gradient must be ${formatType(parameter)}`;
      throw invalid(this.name, expected, formatType(gradient));
    }
    return trained;
  }

  /** Weight of all steps since the last update, in a trace. */
  #accumulate(turn: Tensor, weight: Tensor | undefined): Tensor {
    const total = add(where(gt(turn, 0), this.#accumulated, 0), weight ? cast(weight, 'float64') : 1);
    assign(this.#accumulated, total);
    return total;
  }

  #memoryOf(parameter: Variable): ParameterMemory {
    const known = this.#memory.get(parameter);
    if (known) return known;
    const { shape, dtype, storage } = parameter;
    const variable = (like: Shape) => new Variable(new Storage(like, dtype));
    const { rule } = at(this.groups, this.groupOf(parameter));
    const averaged = new Storage(shape, dtype, (data) => data.set(storage.data));
    const memory = {
      state: stateShapes(rule, shape).map(([, like]) => variable(like)),
      average: this.stages.average === undefined ? undefined : new Variable(averaged),
      sum: (this.stages.accumulate ?? 1) > 1 ? variable(shape) : undefined,
    };
    this.#memory.set(parameter, memory);
    return memory;
  }
}

function requireWeight(op: string, options: StepOptions): Tensor | undefined {
  requireOptions(op, options);
  const { weight } = options;
  if (weight === undefined) return undefined;
  if (typeof weight === 'number' && weight > 0 && Number.isFinite(weight)) return full([], weight, 'float64');
  if (weight instanceof Tensor && weight.ndim === 0) return weight;
  throw invalid(op, 'weight must be a positive number or a scalar tensor', weight);
}

/** Quotients of sums by their weight. */
function divided(sums: readonly Tensor[], weight: Tensor): Tensor[] {
  const scale = div(1, weight);
  return sums.map((sum) => mul(sum, cast(scale, sum.dtype)));
}

/** True if optimisers may change a variable: any but a frozen parameter. */
export function isTrainable(variable: Variable): boolean {
  return !(variable instanceof Parameter) || variable.trainable;
}
