import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { formatPlan } from '../preflight/format-plan.js';
import { planPage } from '../preflight/page.js';
import { addon } from '../runtime/addon.js';
import { loadRun, type RunOptions } from './load.js';

export interface PlanCommandOptions extends Pick<RunOptions, 'batchSize' | 'workers' | 'shards' | 'memory'> {
  /** File for the HTML page. */
  readonly html?: string;
  readonly json?: boolean;
}

/** Prints the memory plan of the model of a file, as tables or as one line of JSON, and can also write it as a page. */
export async function plan(file: string, options: PlanCommandOptions): Promise<void> {
  const { html, json = false } = options;
  const { trainer, data, batchSize } = await loadRun('plan', file, options);
  const run = { batchSize, ...(data.test ? { validation: data.test } : {}) };
  const planned = trainer.plan(data.train, run);
  const pace = await trainer.pace(data.train, run);
  const { plans: _, ...figures } = planned;
  if (json) console.log(JSON.stringify({ ...figures, pace }));
  else console.log(`${basename(file)}, ${addon().isa()} kernels: ${formatPlan(planned, pace)}`);
  if (html === undefined) return;
  await writeFile(html, planPage(basename(file), planned, pace));
  if (!json) console.log(`\nmemory over the schedule is drawn in ${html}`);
}
