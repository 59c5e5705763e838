import { at } from '../../graph/at.js';
import type { TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import { sameItems } from '../../graph/same-items.js';
import type { FigureKind } from '../../nn/losses/sums.js';
import type { UpdateRequest } from '../../optim/requests.js';
import {
  detachedFrom,
  type FlatParameters,
  flattenParameters,
  moveInto,
  placeOf,
} from '../prepare/flat-parameters.js';
import { type OptimizerMemory, optimizerMemory, stateOf } from '../prepare/optimizer-memory.js';
import { prepareUpdates } from '../prepare/update-job.js';
import type { UpdateJob } from '../protocol/job.js';
import { ShareProgress } from '../protocol/share-progress.js';
import { viewInto } from '../protocol/shared-memory.js';
import { beginVerdicts, repeatVerdict } from '../protocol/verdicts.js';

/** Variables that a data-parallel function changes. */
export interface Changes {
  /** The update that it requests from an optimiser. */
  readonly request: UpdateRequest | undefined;
  /** How the gradients are added up, which the update depends on. */
  readonly kind: FigureKind;
  /** The variables that it assigns directly. */
  readonly assigned: readonly Variable[];
  /** Parts of a batch, whose gradients are added up. */
  readonly shards: number;
  /** See `UpdateSpecification`. */
  readonly apart: boolean;
}

/**
 * Shared memory of the variables that a data-parallel function changes: the flat parameters and the optimiser's own
 * state, so that compiled functions continue from the same state.
 */
export class StepLayout {
  readonly flat: FlatParameters;
  readonly update: UpdateJob;
  /** Number of threads that compute it. */
  readonly workers: number;
  /** Rows whose mean has the weight 1, where steps are accumulated: those of the first call. */
  readonly unit: number;
  /** The optimiser's state variables with their places in this memory. */
  readonly #places: readonly (readonly [Variable, TypedArray])[];
  /** The optimiser's count of steps after the last call; another function may have taken some since. */
  #stepsAfter: number | undefined;

  constructor(
    readonly changes: Changes,
    { workers, rows }: { readonly workers: number; readonly rows: number },
  ) {
    const { request, assigned, kind, shards, apart } = changes;
    this.workers = workers;
    this.unit = rows;
    requireOneDType([...(request?.parameters ?? []), ...assigned]);
    const { optimizer } = request ?? {};
    const flat = flattenParameters(request?.parameters ?? [], assigned, optimizer);
    const memory: OptimizerMemory = optimizer ? optimizerMemory(flat, optimizer) : { state: new Map() };
    this.flat = flat;
    this.#places = flat.parameters.flatMap((parameter) => {
      const own = request?.memories[request.parameters.indexOf(parameter)];
      const places = stateOf({ flat, memory }, parameter).map(({ values }) => values);
      const pairs = own?.state.map((variable, i): [Variable, TypedArray] => [variable, at(places, i)]);
      for (const name of ['average', 'sum'] as const) {
        const [variable, place] = [own?.[name], memory[name]];
        if (variable && place) pairs?.push([variable, placeOf(flat, parameter, place)]);
      }
      return pairs ?? [];
    });
    this.update = prepareUpdates({
      flat,
      optimizer,
      memory,
      assigned,
      kind,
      shards,
      workers,
      mayBeFewer: false,
      apart,
      steps: 1,
    });
  }

  /** True if a function with these changes can use this memory. */
  serves({ request, kind, assigned, shards, apart }: Changes): boolean {
    const own = this.changes;
    return (
      request?.optimizer === own.request?.optimizer &&
      kind === own.kind &&
      shards === own.shards &&
      apart === own.apart &&
      sameItems(request?.parameters ?? [], own.request?.parameters ?? []) &&
      sameItems(assigned, own.assigned)
    );
  }

  /** The variables that calls change, with the state of the optimiser. */
  get variables(): Variable[] {
    const { accumulated } = this.changes.request ?? {};
    const state = this.#places.map(([variable]) => variable);
    return [...this.flat.offsets.keys(), ...state, ...(accumulated ? [accumulated] : [])];
  }

  /**
   * Moves all variables, which nobody else uses at present, into this memory, with their current values, if they are
   * elsewhere.
   */
  attach(): void {
    moveInto(this.flat, detachedFrom(this.flat));
    for (const [variable, place] of this.#places) {
      if (variable.storage.data !== place) variable.storage.moveTo(place);
    }
  }

  /** Stores the optimiser's scalars and weight for the next update, and resets the progress and the verdict. */
  begin(): void {
    const { request } = this.changes;
    if (request) {
      const { optimizer, accumulated } = request;
      const scalars = optimizer.scalarsAt(optimizer.updatesAfter(optimizer.steps));
      new Float64Array(this.update.scalars).set(scalars);
      const { weight } = this.update;
      if (weight) viewInto(weight)[optimizer.steps % 2] = accumulated.storage.data[0] as number;
    }
    new ShareProgress(this.update.marks).begin(0);
    const steps = request?.optimizer.steps ?? 0;
    // The next call takes the step of one that was refused.
    if (steps === this.#stepsAfter) repeatVerdict(this.update, steps);
    else beginVerdicts(this.update, steps);
  }

  /**
   * Tells the optimiser, before it counts the step, the weight of the steps since its last update.
   *
   * @param own weight of the step alone
   */
  noteWeight(own: number): void {
    const { request } = this.changes;
    if (!request) return;
    const { weight } = this.update;
    const all = weight ? (viewInto(weight)[(request.optimizer.steps + 1) % 2] as number) : own;
    request.accumulated.storage.data[0] = all;
  }

  /** Called after each call whose results are taken, when the optimiser has counted the step. */
  finish(): void {
    this.#stepsAfter = this.changes.request?.optimizer.steps;
  }

  /** Progress of the update. */
  get progress(): 'none' | 'begun' | 'done' {
    const { step, begun } = new ShareProgress(this.update.marks).unfinished();
    if (step > 0) return 'done';
    return begun ? 'begun' : 'none';
  }
}

function requireOneDType(variables: readonly Variable[]): void {
  const [first] = variables;
  for (const { dtype } of variables) {
    if (dtype === first?.dtype && (dtype === 'float32' || dtype === 'float64')) continue;
    throw invalid(
      'dataParallel',
      'all parameters that are updated and variables that are assigned must be float32, or all float64',
      dtype,
    );
  }
}
