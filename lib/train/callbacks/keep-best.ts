import { rm } from 'node:fs/promises';
import { checked } from '../../graph/arguments/checked.js';
import { isRecord } from '../../graph/arguments/is-record.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid, messageOf } from '../../graph/errors.js';
import { path as pathKind } from '../../io/kinds.js';
import type { EpochResult } from '../epoch-result.js';
import type { Callback, FitView } from './callback.js';
import { Monitor, type MonitorOptions, monitorKinds } from './monitor.js';

export interface KeepBestOptions extends MonitorOptions {
  /** Number of best epochs whose weights are kept. Default 1. */
  readonly top?: number;
  /** Default 'keepBest'. */
  readonly name?: string;
}

const options = optionsOf<KeepBestOptions>({ ...monitorKinds, top: kinds.count, name: kinds.string });

/** An epoch whose weights are in a file. */
interface Kept {
  readonly epoch: number;
  readonly value: number;
  readonly path: string;
}

/**
 * Keeps the weights of the best epoch in a safetensors file, or those of the best ones: with `top` above 1, or with
 * `{epoch}` in the path, each has its own, `best-7.safetensors`, and files that are no longer among the best are removed.
 * A file that cannot be written is warned of once, and training goes on.
 *
 *     callbacks.keepBest('best.safetensors', { monitor: 'validation.accuracy' })
 *
 * @param path `{epoch}` in it stands for the number of the epoch
 * @throws before training if there is no such figure
 */
export const keepBest = checked(
  'keepBest',
  { path: pathKind, options: optional(options) },
  (path: string, given: KeepBestOptions = {}): Callback => new KeepBest(path, given),
);

class KeepBest implements Callback {
  readonly name: string;
  readonly settings: unknown;
  readonly #monitor: Monitor;
  readonly #top: number;
  readonly #path: string;
  /** The best ones first. */
  #kept: readonly Kept[] = [];
  #warned = false;

  constructor(path: string, given: KeepBestOptions) {
    const { top = 1, name = 'keepBest' } = given;
    this.name = name;
    this.#monitor = new Monitor(name, given);
    this.#top = top;
    this.#path = top > 1 && !path.includes('{epoch}') ? path.replace(/(\.[^./\\]*)?$/, '-{epoch}$1') : path;
    const { figure, mode = null } = this.#monitor;
    this.settings = { monitor: figure, mode, top, path: this.#path };
  }

  onFitStart(fit: FitView): void {
    this.#monitor.require(fit);
  }

  async onEpochEnd(result: EpochResult, fit: FitView): Promise<void> {
    const value = this.#monitor.valueOf(result, fit);
    if (value === undefined) return;
    const { epoch } = result;
    const path = this.#path.replaceAll('{epoch}', String(epoch));
    const sign = this.#monitor.mode === 'min' ? 1 : -1;
    // Of equal ones the earlier stays, and an epoch that is trained again after a resume replaces itself.
    const all = [...this.#kept.filter((one) => one.epoch !== epoch), { epoch, value, path }].sort(
      (a, b) => sign * (a.value - b.value) || a.epoch - b.epoch,
    );
    const kept = all.slice(0, this.#top);
    if (!kept.some((one) => one.epoch === epoch)) return;
    try {
      await fit.save(path);
      const paths = new Set(kept.map((one) => one.path));
      for (const gone of this.#kept) if (!paths.has(gone.path)) await rm(gone.path, { force: true });
      this.#kept = kept;
    } catch (error) {
      if (!this.#warned) fit.warn(`${this.name}: ${path} cannot be written: ${messageOf(error)}`);
      this.#warned = true;
    }
  }

  state(): unknown {
    return { monitor: this.#monitor.state(), kept: this.#kept };
  }

  restore(state: unknown): void {
    const { monitor, kept } = isRecord(state) ? state : {};
    const fits = Array.isArray(kept) && kept.every(isKept);
    if (!fits) throw invalid(this.name, 'the state must have the epochs that were kept', kept);
    this.#monitor.restore(monitor);
    this.#kept = kept;
  }
}

function isKept(value: unknown): value is Kept {
  if (!isRecord(value)) return false;
  const { epoch, value: figure, path } = value;
  return typeof epoch === 'number' && typeof figure === 'number' && typeof path === 'string';
}
