import type { EpochRecord } from '../../checkpoint/state.js';
import { isRecord } from '../../graph/arguments/is-record.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { unknownName } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { FitView } from './callback.js';

/** Options of callbacks that follow a figure. */
export interface MonitorOptions {
  /** The figure: `loss`, or one of the validation, such as `validation.accuracy`. Default 'validation.loss'. */
  readonly monitor?: string;
  /** Whether less or more is better. Default: less of a loss or an error, more of an accuracy; of others it must be said. */
  readonly mode?: 'min' | 'max';
}

export const monitorKinds = { monitor: kinds.string, mode: kinds.oneOf<'min' | 'max'>('min', 'max') };

const LESS = /(loss|error|mae|mse|rmse|mape|perplexity|brier)$/i;
const MORE = /(accuracy|precision|recall|f1|auc|r2|kappa|iou|matthews)$/i;

/** Follows a figure over the epochs, and tells which epoch is the best so far. */
export class Monitor {
  readonly figure: string;
  readonly #mode: 'min' | 'max' | undefined;
  /** The best value, and its epoch; undefined before the first that is a number. */
  best: { readonly value: number; readonly epoch: number } | undefined;
  #warned = false;

  /** @param op the callback, for errors */
  constructor(
    private readonly op: string,
    { monitor = 'validation.loss', mode }: MonitorOptions,
    private readonly minDelta = 0,
  ) {
    this.figure = monitor;
    this.#mode = mode ?? (LESS.test(monitor) ? 'min' : MORE.test(monitor) ? 'max' : undefined);
  }

  get mode(): 'min' | 'max' | undefined {
    return this.#mode;
  }

  /** @throws if no epoch will have the figure, or it is not known which values are better */
  require({ figures }: Pick<FitView, 'figures'>): void {
    if (!figures.includes(this.figure)) {
      const error = unknownName(this.op, 'figure', this.figure, figures);
      const hasNone =
        this.figure.startsWith('validation.') && !figures.some((name) => name.startsWith('validation.'));
      throw hasNone
        ? invalid(
            this.op,
            `${this.figure} needs the option validation of fit; the figures are ${figures.join(', ')}`,
          )
        : error;
    }
    if (this.#mode === undefined)
      throw invalid(this.op, `mode must be 'min' or 'max' for ${this.figure}`, this.#mode);
  }

  /** The figure of an epoch; undefined for NaN, which is worse than any other value, and is said once. */
  valueOf(result: EpochRecord, fit: Pick<FitView, 'warn'>): number | undefined {
    const value = figuresOf(result)[this.figure] ?? Number.NaN;
    if (!Number.isNaN(value)) return value;
    if (!this.#warned)
      fit.warn(`${this.op}: ${this.figure} is NaN in epoch ${result.epoch}, which counts as worse`);
    this.#warned = true;
    return undefined;
  }

  /** True if an epoch is the best so far. */
  isBest(result: EpochRecord, fit: Pick<FitView, 'warn'>): boolean {
    const value = this.valueOf(result, fit);
    if (value === undefined) return false;
    const better =
      this.best === undefined ||
      (this.#mode === 'min'
        ? value < this.best.value - this.minDelta
        : value > this.best.value + this.minDelta);
    if (better) this.best = { value, epoch: result.epoch };
    return better;
  }

  state(): unknown {
    return { best: this.best ?? null, warned: this.#warned };
  }

  restore(state: unknown): void {
    const { best, warned } = isRecord(state) ? state : {};
    const { value, epoch } = isRecord(best) ? best : {};
    if (best !== null && !(typeof value === 'number' && typeof epoch === 'number'))
      throw invalid(this.op, 'the state must have the best value and its epoch', best);
    this.best = best === null ? undefined : { value: value as number, epoch: epoch as number };
    this.#warned = warned === true;
  }
}

/** The figures of an epoch, by the names that monitors use. */
function figuresOf({ loss, validation }: Pick<EpochRecord, 'loss' | 'validation'>): Record<string, number> {
  const { tables, ...numbers } = validation ?? {};
  const named = Object.entries(numbers).map(([name, value]) => [`validation.${name}`, value]);
  return { ...Object.fromEntries(named), loss };
}
