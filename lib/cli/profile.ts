import { basename } from 'node:path';
import { dataset } from '../data/kinds.js';
import { requireKind } from '../graph/arguments/kind.js';
import { formatProfile } from '../profile/format-profile.js';
import { addon } from '../runtime/addon.js';
import { opOf } from './input-file.js';
import { loadRun } from './load.js';
import { proveOutput, saveText } from './outputs.js';
import { goOnUnread, say, sayJson, tableColumns } from './terminal.js';

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
  if (trace !== undefined) {
    goOnUnread();
    await proveOutput('profile', '--trace', trace, file);
  }
  const { trainer, data, batchSize } = await loadRun('profile', file, options);
  const train = requireKind(opOf('profile', file), 'data().train', dataset, data.train);
  const { trace: chart, ...report } = await trainer.profile(train, {
    batchSize,
    ...(steps ? { steps } : {}),
  });
  if (json) sayJson(report);
  else {
    const tables = formatProfile({ ...report, trace: chart }, { columns: tableColumns() });
    say(`${basename(file)}, ${addon().isa()} kernels: ${tables}`);
  }
  if (trace === undefined) return;
  const saved = await saveText('the flame chart', trace, JSON.stringify(chart));
  if (!json) say(`\nflame chart saved to ${saved}\nchrome://tracing and ui.perfetto.dev show it`);
}
