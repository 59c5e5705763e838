import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { program } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const run = promisify(execFile);
const folder = useFolder();

const chainrule = (...options: string[]) => run(process.execPath, [program, ...options]);

describe('chainrule plan', () => {
  it('prints the figures and writes the page', async () => {
    const dir = folder();
    const html = join(dir, 'plan.html');
    const { stdout } = await chainrule(
      'plan',
      writeTrainingModule(dir),
      '--workers',
      '1',
      '--memory',
      '1MB',
      '--html',
      html,
    );
    expect(stdout).toMatch(
      /^model.mjs, \w+ kernels: .* within a budget of 1.00 MB, for batches of 4 samples in 1 shard on 1 worker\.$/m,
    );
    expect(stdout).toMatch(/^time of an epoch of 3 steps +[\d.e-]+ s$/m);
    expect(stdout).toContain(`memory over the schedule is drawn in ${html}`);
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>.*<h1>Before training model.mjs<\/h1>/s);
  });

  it('prints one line of JSON', async () => {
    const { stdout } = await chainrule(
      'plan',
      writeTrainingModule(folder()),
      '--json',
      '--batch',
      '4',
      '--workers',
      '2',
      '--shards',
      '4',
      '--drop-last',
    );
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ batchSize: 4, workers: 2, shards: 4, steps: 2, recomputedFlops: 0 });
    expect(report).toHaveProperty('pace.epochSeconds');
    expect(report).not.toHaveProperty('plans');
  });

  it('refuses what does not fit, as training does', async () => {
    const file = writeTrainingModule(folder());
    for (const command of ['plan', 'train']) {
      const failure = await chainrule(command, file, '--memory', '2kB').catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining('memory must be at least') });
    }
    const failure = await chainrule('plan', file, '--memory', 'lots').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining("'512MB', or 'auto'") });
  });
});
