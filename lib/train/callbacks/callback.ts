import type { EpochRecord } from '../../checkpoint/state.js';
import { isRecord } from '../../graph/arguments/is-record.js';
import { type Kind, listOf } from '../../graph/arguments/kind.js';
import { invalid } from '../../graph/errors.js';
import type { AnyModule } from '../../nn/module.js';
import type { EpochResult } from '../epoch-result.js';

/** A call of `fit` as its callbacks see it. */
export interface FitView {
  readonly model: AnyModule;
  /** Names of the figures that every epoch will have: `loss`, `validation.loss`, `validation.accuracy`. */
  readonly figures: readonly string[];
  /** Number of the last epoch. */
  readonly epochs: number;
  /** The finished epochs, those before the run included. */
  readonly history: readonly EpochRecord[];
  /** Steps taken. */
  readonly steps: number;
  /** Ends training after the epoch under way; `fit` then ends as after its last epoch. */
  stop(reason: string): void;
  /** Ends training after the step under way, in the middle of an epoch, whose figures are not reported. */
  stopNow(reason: string): void;
  /** Saves the model with the weights that the validation saw: the moving averages, if the optimiser keeps them. */
  save(path: string): Promise<void>;
  /** Keeps a copy of the weights, and in checkpoints, for a callback with `keepsWeights`. */
  keepWeights(): void;
  /** Gives the model the weights that were kept last, if any were. */
  restoreWeights(): Promise<void>;
  /** Says something to whoever runs the training, as a warning of the process. */
  warn(message: string): void;
}

/** How a call of `fit` ended. */
export interface FitEnd {
  /** Whether all epochs were trained, a callback stopped it, a signal or the caller ended it, or an error. */
  readonly outcome: 'completed' | 'stopped' | 'left' | 'failed';
  /** What the callback that stopped it said. */
  readonly reason?: string;
  readonly error?: unknown;
}

/**
 * An object that acts while `fit` trains. Its methods run on the main thread, those of several callbacks in their order,
 * and training waits for their promises. An error in one of them ends training as any other.
 */
export interface Callback {
  /** One word; callbacks of one run have different names. */
  readonly name: string;
  /** Plain data that decide what it does; a run that resumes with others is refused. */
  readonly settings?: unknown;
  /** True if it calls `keepWeights`. */
  readonly keepsWeights?: boolean;
  /** Called before the first epoch, also of a run that resumes; its state is then restored. */
  onFitStart?(fit: FitView): void | Promise<void>;
  /** Called before each epoch that begins, or goes on after a resume. */
  onEpochStart?(epoch: number, fit: FitView): void | Promise<void>;
  /** Called after each epoch and its validation, before the caller of `fit` gets the figures. */
  onEpochEnd?(result: EpochResult, fit: FitView): void | Promise<void>;
  /** Called when training has ended, for whatever reason. */
  onFitEnd?(end: FitEnd, fit: FitView): void | Promise<void>;
  /** Its state after an epoch, as plain data, which checkpoints carry. */
  state?(): unknown;
  /** Takes a state back, before `onFitStart` of a run that resumes. */
  restore?(state: unknown): void;
}

const methods = ['onFitStart', 'onEpochStart', 'onEpochEnd', 'onFitEnd', 'state', 'restore'] as const;
const fields = ['name', 'settings', 'keepsWeights', ...methods];

const callback: Kind<Callback> = {
  description: 'callbacks such as callbacks.earlyStopping()',
  accepts(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const { name, ...others } = fieldsOf(value);
    if (typeof name !== 'string' || name === '') return false;
    if (isRecord(value) && Object.keys(value).some((key) => /^on[A-Z]/.test(key) && !fields.includes(key)))
      return false;
    return methods.every((method) => others[method] === undefined || typeof others[method] === 'function');
  },
  explain(op, name, value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const given = fieldsOf(value);
    if (typeof given.name !== 'string' || given.name === '')
      return invalid(op, `${name} must have a name, under which checkpoints keep its state`, given.name);
    const unknown = Object.keys(value).find((key) => /^on[A-Z]/.test(key) && !fields.includes(key));
    if (unknown !== undefined)
      return invalid(op, `${name} has no method ${unknown}; there are ${methods.join(', ')}`);
    const broken = methods.find(
      (method) => given[method] !== undefined && typeof given[method] !== 'function',
    );
    return broken && invalid(op, `${name}.${broken} must be a function`, given[broken]);
  },
};

const list = listOf(callback, callback.description);

/** The option `callbacks` of `fit`. */
export const callbackList: Kind<readonly Callback[]> = {
  ...list,
  accepts: (value) => list.accepts(value) && repeated(value as Callback[]) === undefined,
  explain(op, name, value) {
    if (!list.accepts(value)) return list.explain?.(op, name, value);
    const twice = repeated(value as Callback[]);
    return invalid(op, `${name} must have names of their own; give one of them the option name`, twice);
  },
};

function repeated(callbacks: readonly Callback[]): string | undefined {
  const names = callbacks.map(({ name }) => name);
  return names.find((name, i) => names.indexOf(name) < i);
}

function fieldsOf(value: object): Partial<Record<keyof Callback, unknown>> {
  return Object.fromEntries(fields.map((field) => [field, Reflect.get(value, field)]));
}
