import { checkMethods, requireArguments } from '../graph/arguments/checked.js';
import { either, type Kind, kind, listOf, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { at } from '../graph/at.js';
import { formatType, invalid } from '../graph/errors.js';
import { hostScalar, Variable } from '../graph/leaf.js';
import { type Shape, sameShape } from '../graph/shapes.js';
import { Storage } from '../graph/storage.js';
import { Tensor } from '../graph/tensor.js';
import { assign, currentTrace, guard } from '../graph/trace.js';
import { requireLasting } from '../nn/lasting.js';
import { Parameter } from '../nn/parameter.js';
import { add, cast, div, eq, gt, mul, where } from '../ops/primitives/elementwise.js';
import { AlignedStorage } from '../runtime/aligned-memory.js';
import { AverageExchange } from './averages.js';
import { sharesOfGradients } from './gradient-loss.js';
import { type GroupMatch, matchedGroups, type ParameterGroup, scalarsOfRule } from './groups.js';
import { variables } from './kinds.js';
import { ParameterMemories } from './parameter-memories.js';
import type { ParameterMemory } from './requests.js';
import { stateShapes, type UpdateRule, updateRule } from './rule.js';
import {
  reportTo,
  restoreAll,
  type Schedule,
  type ScheduleState,
  schedule as scheduleKind,
  statesOf,
} from './schedule.js';
import { type Stages, stageKinds } from './stages.js';
import { clipScaleOf, type StepScalars, updatePiece } from './update.js';

export interface StepOptions {
  /**
   * Weight of these gradients among those that are averaged, as the number of rows whose mean they are of: by steps that
   * `accumulate` joins, and by shards of a data-parallel function. Default: that of the loss whose gradients they are, if
   * it is a ratio or a total of this package (a total is not divided); else 1, and in `dataParallel` the number of rows.
   * An update whose steps have no weight together is not made.
   */
  readonly weight?: number | Tensor;
}

const stepOptions = optionsOf<StepOptions>({
  weight: either(
    kinds.positive,
    kind<Tensor>('a scalar tensor', (value) => value instanceof Tensor && value.ndim === 0),
  ),
});

const constructorKinds = {
  rule: updateRule,
  schedule: scheduleKind,
  stages: optional(optionsOf<Stages>(stageKinds)),
  groups: optional(matchedGroups),
};

/** Groups of parameters with their rules and rates, and in a hand-written loop also the state of the parameters. */
export class Optimizer {
  #steps = 0;
  /** Weight of the steps taken since the last update by compiled and data-parallel functions. */
  readonly #accumulated = new Variable(new Storage([], 'float64'));
  readonly #memory = new ParameterMemories();
  readonly #averages = new AverageExchange(() =>
    [...this.#memory].flatMap(([parameter, { average }]) =>
      average ? [[parameter, average.storage.data] as const] : [],
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
    ...surplus: []
  ) {
    requireArguments('Optimizer', constructorKinds, [rule, schedule, stages, groups, ...surplus]);
    this.groups = [...groups, { rule, schedule }];
  }

  get name(): string {
    return this.rule.name;
  }

  /**
   * Steps taken by compiled and data-parallel functions that call `step`, without those of updates that were not made
   * because nothing in them had weight.
   */
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
   * All scalars of an update: those of the groups' rules in order, then those of the average.
   *
   * @throws if a schedule gives anything but a non-negative number, with the step
   */
  scalarsAt(update: number): readonly number[] {
    const rules = this.groups.flatMap((group) => scalarsOfRule(group, update));
    const { average } = this.stages;
    if (average === undefined) return rules;
    const keep = update === 0 ? 0 : average;
    return [...rules, keep, 1 - keep];
  }

  /** The scalars for one group, from those of the whole update. */
  scalarsOf(group: number, all: readonly Tensor[]): StepScalars {
    const counts = this.groups.map((group) => scalarsOfRule(group, 0).length);
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
    const trained = this.#requireTrainable(parameters, gradients);
    const own = trained.map(([parameter]) => parameter);
    const theirs = trained.map(([, gradient]) => gradient);
    const losses = gradients.flatMap((gradient) => trace.gradientCalls.get(gradient)?.loss ?? []);
    requireLasting(`${this.name}.step`, new Set(losses), parameters, trace);
    guard(areAsTrainable(parameters));
    const memories = trained.map(([parameter]) => this.#memoryOf(parameter));
    const { accumulate = 1, clipNorm } = this.stages;
    const shares = sharesOfGradients(own, theirs, options.weight, trace);
    const { weight } = shares;
    const mayWeighNothing = weight !== undefined && typeof options.weight !== 'number';
    const accumulated = this.#accumulated;
    trace.afterRun.push(this.#counting(mayWeighNothing));
    if (trace.updates) {
      trace.updates.push({
        optimizer: this,
        parameters: own,
        gradients: theirs,
        memories,
        accumulated,
        shares,
      });
      return;
    }
    const { scalars, turn } = this.#hostScalars(accumulate);
    const sums = trained.map(([, gradient], i) => {
      const sum = memories[i]?.sum;
      if (!sum) return gradient;
      const share = weight ? mul(gradient, cast(weight, gradient.dtype)) : gradient;
      return where(gt(turn, 0), add(sum, share), share);
    });
    const total = accumulate > 1 || mayWeighNothing ? this.#accumulate(turn, weight) : undefined;
    const divides = accumulate > 1 && total && shares.kind !== 'total';
    const means = divides ? divided(sums, total) : sums;
    const clip = clipNorm === undefined ? undefined : clipScaleOf(clipNorm, means);
    // An update without weight is never due.
    const position = total && mayWeighNothing ? where(eq(total, 0), -1, turn) : turn;
    const due = total && eq(position, accumulate - 1);
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

  /**
   * The scalars that the host computes before each run. Made here, because a closure made in `step` would keep the whole
   * graph in memory for as long as the compiled function.
   */
  #hostScalars(accumulate: number): { scalars: Tensor[]; turn: Tensor } {
    const scalars = this.scalarsAt(0).map((_, i) =>
      hostScalar(`${this.name} ${i}`, () => at(this.scalarsAt(this.updatesAfter(this.#steps)), i)),
    );
    // Index of the step within its update. At 0 the sums still hold the gradients of the previous update.
    return { scalars, turn: hostScalar(`${this.name} turn`, () => this.#steps % accumulate) };
  }

  /** What the host does after each run: it counts the step. */
  #counting(mayWeighNothing: boolean): () => void {
    const { accumulate = 1 } = this.stages;
    return () => {
      this.#steps++;
      const due = this.#steps % accumulate === 0;
      // An update without weight was not made.
      if (due && mayWeighNothing && this.#accumulated.storage.data[0] === 0) this.#steps -= accumulate;
    };
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
    const variable = (like: Shape) => new Variable(new AlignedStorage(like, dtype));
    const { rule } = at(this.groups, this.groupOf(parameter));
    const averaged = new AlignedStorage(shape, dtype, (data) => data.set(storage.data));
    const memory = {
      state: stateShapes(rule, shape).map(([, like]) => variable(like)),
      average: this.stages.average === undefined ? undefined : new Variable(averaged),
      sum: (this.stages.accumulate ?? 1) > 1 ? variable(shape) : undefined,
    };
    this.#memory.add(parameter, memory);
    return memory;
  }
}

checkMethods(
  Optimizer,
  {
    updatesAfter: { steps: kinds.index },
    groupOf: { parameter: kinds.instance(Variable, 'a variable') },
    scalarsAt: { update: kinds.index },
    scalarsOf: { group: kinds.index, all: kinds.tensors },
    step: { parameters: variables, gradients: kinds.tensors, options: optional(stepOptions) },
    report: { figure: kinds.number },
    scheduleStates: {},
    restoreSchedules: { states: listOf(kinds.anything('a state of a schedule'), 'states of schedules') },
    withAverages: { fn: kinds.callback() },
  },
  (method) => `Optimizer.${method}`,
);

export const optimizer: Kind<Optimizer> = kinds.instance(Optimizer, 'one such as optim.adam()');

/** Quotients of sums by their weight; the sums themselves if that is 0. */
function divided(sums: readonly Tensor[], weight: Tensor): Tensor[] {
  const scale = div(1, where(eq(weight, 0), 1, weight));
  return sums.map((sum) => mul(sum, cast(scale, sum.dtype)));
}

/** A guard: the same parameters are frozen as now. */
function areAsTrainable(parameters: readonly Variable[]): () => boolean {
  const wanted = parameters.map(isTrainable);
  return () => parameters.every((parameter, i) => isTrainable(parameter) === wanted[i]);
}

/** True if optimisers may change a variable: any but a frozen parameter. */
export function isTrainable(variable: Variable): boolean {
  return !(variable instanceof Parameter) || variable.trainable;
}
