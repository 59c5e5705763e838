import { basename } from 'node:path';
import { Dataset } from '../data/index.js';
import { formatPlan } from '../preflight/format-plan.js';
import { planPage } from '../preflight/page.js';
import { addon } from '../runtime/addon.js';
import { loadRun, type RunOptions } from './load.js';
import { proveOutput, saveText } from './outputs.js';
import { goOnUnread, say, sayJson, tableColumns } from './terminal.js';

export interface PlanCommandOptions
  extends Pick<RunOptions, 'batchSize' | 'dropLast' | 'workers' | 'shards' | 'memory'> {
  /** File for the HTML page. */
  readonly html?: string;
  readonly json?: boolean;
}

/**
 * Prints the memory plan of the model of a file, as tables or as one line of JSON, and can also write it as a page. The
 * time of a step is measured on samples, which a stream does not have yet.
 */
export async function plan(file: string, options: PlanCommandOptions): Promise<void> {
  const { html, json = false } = options;
  if (html !== undefined) {
    goOnUnread();
    await proveOutput('plan', '--html', html, file);
  }
  const { trainer, data, batchSize, dropLast } = await loadRun('plan', file, options);
  const { train, test } = data;
  const run = { batchSize, dropLast, ...(test ? { validation: test } : {}) };
  const planned = trainer.plan(train, run);
  const pace = train instanceof Dataset ? await trainer.pace(train, run) : undefined;
  const { plans: _, ...figures } = planned;
  if (json) sayJson({ ...figures, ...(pace ? { pace } : {}) });
  else {
    const tables = formatPlan(planned, pace, { columns: tableColumns() });
    say(`${basename(file)}, ${addon().isa()} kernels: ${tables}`);
  }
  if (html === undefined) return;
  const saved = await saveText('the page', html, planPage(basename(file), planned, pace));
  if (!json) say(`\nmemory over the schedule is drawn in ${saved}`);
}
