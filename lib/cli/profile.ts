import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { formatProfile } from '../profile/format-profile.js';
import { addon } from '../runtime/addon.js';
import { loadRun } from './load.js';

export interface ProfileCommandOptions {
  readonly steps?: number;
  readonly batchSize?: number;
  readonly workers?: number;
  /** File for the flame chart. */
  readonly trace?: string;
  readonly json?: boolean;
}

/** Times training steps of the model of a file, and prints a profile as tables or as one line of JSON. */
export async function profile(file: string, options: ProfileCommandOptions): Promise<void> {
  const { steps, trace, json = false } = options;
  const { trainer, data, batchSize } = await loadRun('profile', file, options);
  const { trace: chart, ...report } = await trainer.profile(data.train, {
    batchSize,
    ...(steps ? { steps } : {}),
  });
  if (json) console.log(JSON.stringify(report));
  else
    console.log(`${basename(file)}, ${addon().isa()} kernels: ${formatProfile({ ...report, trace: chart })}`);
  if (trace === undefined) return;
  await writeFile(trace, JSON.stringify(chart));
  if (!json) console.log(`\nflame chart saved to ${trace}; chrome://tracing and ui.perfetto.dev show it`);
}
