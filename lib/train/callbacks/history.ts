import { open, readFile } from 'node:fs/promises';
import type { Figures } from '../../checkpoint/state.js';
import { checked } from '../../graph/arguments/checked.js';
import { isRecord } from '../../graph/arguments/is-record.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid, messageOf } from '../../graph/errors.js';
import { writeAtomically } from '../../io/files.js';
import { isMissing } from '../../io/is-missing.js';
import { path as pathKind } from '../../io/kinds.js';
import type { EpochResult } from '../epoch-result.js';
import type { Callback, FitView } from './callback.js';

export interface HistoryOptions {
  /** True for a line with the loss of each step, before that of its epoch. Default false. */
  readonly steps?: boolean;
}

const options = optionsOf<HistoryOptions>({ steps: kinds.boolean });

/**
 * Writes the figures of each epoch to a file of JSON lines, as soon as it is done: `{"epoch":1,"loss":0.21,...}`. A run that
 * resumes from a checkpoint goes on with the file, without the epochs that it trains again. A line that cannot be written,
 * as on a full disk, is warned of once and written later.
 *
 *     callbacks.history('runs/a/history.jsonl')
 *
 * @throws before training if the file holds epochs of another run
 */
export const history = checked(
  'history',
  { path: pathKind, options: optional(options) },
  (path: string, { steps = false }: HistoryOptions = {}): Callback => new History(path, steps),
);

class History implements Callback {
  readonly name = 'history';
  /** What is to be written yet. */
  #pending = '';
  #warned = false;

  constructor(
    private readonly path: string,
    private readonly steps: boolean,
  ) {}

  async onFitStart({ history: known }: FitView): Promise<void> {
    const lines = await linesOf(this.path);
    const last = known.at(-1)?.epoch ?? 0;
    const kept = lines.filter(({ epoch }) => epoch <= last);
    for (const { epoch, loss, isEpoch } of kept) {
      const own = known.find((record) => record.epoch === epoch);
      if (isEpoch && own && jsonOf(own.loss) !== loss)
        throw this.#foreign(`epoch ${epoch} with another loss`);
    }
    if (last === 0 && lines.length > 0) throw this.#foreign(`${lines.length} lines`);
    await writeAtomically(this.path, [
      new TextEncoder().encode(kept.map(({ text }) => `${text}\n`).join('')),
    ]);
  }

  async onEpochEnd(result: EpochResult, fit: FitView): Promise<void> {
    const { epoch, loss, seconds, examplesPerSecond, skippedSteps, skippedItems, validation } = result;
    const first = fit.steps - result.stepLosses.length;
    if (this.steps) {
      result.stepLosses.forEach((value, i) => {
        this.#add({ step: first + i + 1, epoch, loss: jsonOf(value) });
      });
    }
    const figures = validation && mapped(validation);
    const rest = { seconds, examplesPerSecond, skippedSteps, skippedItems, time: new Date().toISOString() };
    this.#add({
      epoch,
      steps: fit.steps,
      loss: jsonOf(loss),
      ...(figures ? { validation: figures } : {}),
      ...rest,
    });
    await this.#write(fit);
  }

  #add(line: object): void {
    this.#pending += `${JSON.stringify(line)}\n`;
  }

  async #write(fit: FitView): Promise<void> {
    try {
      const file = await open(this.path, 'a');
      try {
        await file.appendFile(this.#pending);
        await file.datasync();
      } finally {
        await file.close();
      }
      this.#pending = '';
    } catch (error) {
      if (!this.#warned) fit.warn(`history: ${this.path} cannot be written: ${messageOf(error)}`);
      this.#warned = true;
    }
  }

  #foreign(found: string): Error {
    const expected = `${this.path} must be a new file, or that of the run that resumes from its checkpoint`;
    return invalid('history', expected, found);
  }
}

/** A line of a history: of an epoch, or of a step of one. */
interface Line {
  readonly text: string;
  readonly epoch: number;
  readonly loss: unknown;
  readonly isEpoch: boolean;
}

/** The whole lines of a file; what a crash cut short at its end is left out. */
async function linesOf(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      const value = parsed(line);
      if (!isRecord(value) || typeof value.epoch !== 'number')
        throw invalid('history', `${path} must be a history; line ${i + 1} is none`, line.slice(0, 40));
      return { text: line, epoch: value.epoch, loss: value.loss, isEpoch: !('step' in value) };
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function mapped({ tables, ...figures }: Figures): Record<string, unknown> {
  const numbers = Object.entries(figures as Record<string, number>).map(([name, value]) => [
    name,
    jsonOf(value),
  ]);
  const named = Object.entries(tables ?? {}).map(([name, { shape, data }]) => {
    return [name, { shape, data: data.map(jsonOf) }];
  });
  return { ...Object.fromEntries(numbers), ...(tables ? { tables: Object.fromEntries(named) } : {}) };
}

/** A number as JSON has it: what is not finite is a text. */
function jsonOf(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
