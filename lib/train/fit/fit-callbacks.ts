import type { TensorSource } from '../../checkpoint/file.js';
import { decodeJson, encodeJson } from '../../checkpoint/json.js';
import type { RunProgress } from '../../checkpoint/state.js';
import { failed, messageOf } from '../../graph/errors.js';
import type { Callback, FitEnd, FitView } from '../callbacks/callback.js';
import type { EpochResult } from '../epoch-result.js';
import type { TrainedMemory } from '../prepare/trainer-memory.js';
import { KeptWeights } from './kept-weights.js';

/** What a checkpoint holds of callbacks, by name. */
type SavedCallbacks = NonNullable<RunProgress['callbacks']>;

/** The reason of a signal that a callback has aborted: training ends, but not with an error. */
export class StopRequest {
  constructor(readonly reason: string) {}
}

/** What callbacks do to a call of `fit`. */
export interface FitActions {
  readonly view: Omit<FitView, 'stop' | 'stopNow' | 'keepWeights' | 'restoreWeights' | 'warn'>;
  /** Ends training after the step under way. */
  stopNow(request: StopRequest): void;
  /** Runs a task that writes parameters and buffers, while nobody reads them. */
  writing(task: () => void): Promise<void>;
}

/** The callbacks of one call of `fit`. */
export class FitCallbacks {
  readonly #kept: ReadonlyMap<Callback, KeptWeights>;
  /** As the last finished epoch left them. */
  #states: SavedCallbacks = {};
  /** As the epoch leaves them that is about to be finished. */
  #next: SavedCallbacks = {};
  #actions: FitActions | undefined;
  /** Why training is to end after the epoch under way. */
  #stop: string | undefined;

  constructor(
    private readonly callbacks: readonly Callback[],
    memory: TrainedMemory,
  ) {
    const keeping = callbacks.filter(({ keepsWeights }) => keepsWeights === true);
    this.#kept = new Map(keeping.map((callback) => [callback, new KeptWeights(callback.name, memory)]));
  }

  /** The tensors that callbacks keep. They change at the end of an epoch only, after `settle`. */
  get sources(): readonly TensorSource[] {
    return [...this.#kept.values()].flatMap(({ sources }) => sources);
  }

  /** True if weights are kept, which must not change while a checkpoint is written. */
  get keepsWeights(): boolean {
    return this.#kept.size > 0;
  }

  /** What checkpoints hold of them. */
  get states(): SavedCallbacks {
    return this.#states;
  }

  /** True if a callback has asked for the end of training. */
  get stopped(): boolean {
    return this.#stop !== undefined;
  }

  /**
   * Gives the callbacks the states of a checkpoint; those without one start anew.
   *
   * @param path of the checkpoint, for errors
   * @param present names of the tensors that were read
   */
  restore(path: string, states: SavedCallbacks, present: ReadonlySet<string>): void {
    for (const callback of this.callbacks) {
      const saved = states[callback.name];
      if (!saved) continue;
      const kept = this.#kept.get(callback);
      const isWhole = kept?.sources.every(({ name }) => present.has(name)) ?? true;
      // What was kept is a part of the state.
      if (saved.kept && !isWhole) continue;
      try {
        callback.restore?.(saved.state);
      } catch (cause) {
        const expected = `the state of the callback ${callback.name} does not fit: ${messageOf(cause)}`;
        throw failed('ERR_CHAINRULE_INVALID', path, expected, { cause });
      }
      if (kept) kept.any = saved.kept;
    }
    this.#states = states;
  }

  /** Lets the callbacks act from now on. */
  begin(actions: FitActions): void {
    this.#actions = actions;
  }

  async start(): Promise<void> {
    for (const callback of this.callbacks) await callback.onFitStart?.(this.#viewOf(callback));
  }

  async epochStart(epoch: number): Promise<void> {
    for (const callback of this.callbacks) await callback.onEpochStart?.(epoch, this.#viewOf(callback));
  }

  async epochEnd(result: EpochResult): Promise<void> {
    for (const callback of this.callbacks) await callback.onEpochEnd?.(result, this.#viewOf(callback));
    const states = this.callbacks.map((callback) => {
      return [
        callback.name,
        { state: stateOf(callback), kept: this.#kept.get(callback)?.any ?? false },
      ] as const;
    });
    this.#next = Object.fromEntries(states);
  }

  /** Called when an epoch is finished: what the callbacks made of it is saved from now on. Cannot fail. */
  commit(): void {
    this.#states = this.#next;
  }

  /** Tells the callbacks how training has ended, if they have begun. All of them are told; the first error is thrown. */
  async end(end: FitEnd): Promise<void> {
    if (!this.#actions) return;
    const whole = end.outcome === 'completed' && this.#stop !== undefined ? 'stopped' : end.outcome;
    const told = { ...end, outcome: whole, ...(this.#stop === undefined ? {} : { reason: this.#stop }) };
    let failure: { readonly error: unknown } | undefined;
    for (const callback of this.callbacks) {
      try {
        await callback.onFitEnd?.(told, this.#viewOf(callback));
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure && end.error === undefined) throw failure.error;
  }

  #viewOf(callback: Callback): FitView {
    const actions = this.#actions as FitActions;
    const kept = this.#kept.get(callback);
    // Not spread, as its fields change.
    return Object.create(actions.view, {
      ...methodsOf({
        stop: (reason: string) => {
          this.#stop ??= reason;
        },
        stopNow: (reason: string) => {
          this.#stop ??= reason;
          actions.stopNow(new StopRequest(reason));
        },
        keepWeights: () => {
          if (!kept)
            throw failed('ERR_CHAINRULE_INVALID', callback.name, 'keepWeights needs keepsWeights: true');
          kept.keep();
        },
        restoreWeights: async () => {
          if (kept?.any) await actions.writing(() => kept.restore());
        },
        warn: (message: string) => process.emitWarning(message, { code: 'CHAINRULE_CALLBACK' }),
      }),
    });
  }
}

/** The state of a callback as a checkpoint gives it back. */
function stateOf(callback: Callback): unknown {
  const state = callback.state?.() ?? null;
  try {
    return decodeJson(encodeJson(state));
  } catch (cause) {
    const expected = `the state of the callback ${callback.name} must be plain data: ${messageOf(cause)}`;
    throw failed('ERR_CHAINRULE_INVALID', 'fit', expected, { cause });
  }
}

function methodsOf(methods: Readonly<Record<string, unknown>>): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(methods).map(([name, value]) => [name, { value, enumerable: true }]),
  );
}
