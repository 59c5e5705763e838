import { checked } from '../../graph/arguments/checked.js';
import { isRecord } from '../../graph/arguments/is-record.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { EpochResult } from '../epoch-result.js';
import type { Callback, FitEnd, FitView } from './callback.js';
import { Monitor, type MonitorOptions, monitorKinds } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs in a row without improvement after which training stops. Default 3. */
  readonly patience?: number;
  /** Change that counts as an improvement at least. Default 0. */
  readonly minDelta?: number;
  /** True to end with the weights of the best epoch, whether or not training was stopped. Default true. */
  readonly restoreBest?: boolean;
  /** Default 'earlyStopping'. */
  readonly name?: string;
}

const options = optionsOf<EarlyStoppingOptions>({
  ...monitorKinds,
  patience: kinds.index,
  minDelta: kinds.nonNegative,
  restoreBest: kinds.boolean,
  name: kinds.string,
});

/**
 * Stops training when a figure has not improved for some epochs (Prechelt 1998), as `EarlyStopping` of Keras. What it
 * follows, and the best weights, are in checkpoints: a run that resumes stops where it would have stopped.
 *
 *     await trainer.fit(train, { epochs: 100, validation, callbacks: [callbacks.earlyStopping({ patience: 5 })] });
 *
 * @throws before training if there is no such figure
 */
export const earlyStopping = checked(
  'earlyStopping',
  { options: optional(options) },
  (given: EarlyStoppingOptions = {}): Callback => new EarlyStopping(given),
);

class EarlyStopping implements Callback {
  readonly name: string;
  readonly settings: unknown;
  readonly keepsWeights: boolean;
  readonly #monitor: Monitor;
  readonly #patience: number;
  /** Epochs since the best one. */
  #waited = 0;

  constructor(given: EarlyStoppingOptions) {
    const { patience = 3, minDelta = 0, restoreBest = true, name = 'earlyStopping' } = given;
    this.name = name;
    this.#monitor = new Monitor(name, given, minDelta);
    const { figure, mode = null } = this.#monitor;
    this.settings = { monitor: figure, mode, patience, minDelta, restoreBest };
    this.keepsWeights = restoreBest;
    this.#patience = patience;
  }

  onFitStart(fit: FitView): void {
    this.#monitor.require(fit);
    this.#stopIfDue(fit);
  }

  onEpochEnd(result: EpochResult, fit: FitView): void {
    if (this.#monitor.isBest(result, fit)) {
      this.#waited = 0;
      if (this.keepsWeights) fit.keepWeights();
    } else this.#waited++;
    this.#stopIfDue(fit);
  }

  async onFitEnd({ outcome }: FitEnd, fit: FitView): Promise<void> {
    if (this.keepsWeights && (outcome === 'completed' || outcome === 'stopped')) await fit.restoreWeights();
  }

  state(): unknown {
    return { monitor: this.#monitor.state(), waited: this.#waited };
  }

  restore(state: unknown): void {
    const { monitor, waited } = isRecord(state) ? state : {};
    if (!kinds.index.accepts(waited))
      throw invalid(this.name, 'the state must have the epochs without improvement', waited);
    this.#monitor.restore(monitor);
    this.#waited = waited as number;
  }

  #stopIfDue(fit: FitView): void {
    if (this.#waited === 0 || this.#waited < this.#patience) return;
    const { best, figure } = this.#monitor;
    const since = best ? ` since epoch ${best.epoch} (${best.value})` : '';
    fit.stop(`${figure} has not improved${since}`);
  }
}
