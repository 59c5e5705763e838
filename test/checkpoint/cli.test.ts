import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { program } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const run = promisify(execFile);
const folder = useFolder();

it('chainrule train --checkpoint saves the run, and says from where it goes on', async () => {
  const dir = folder();
  const file = writeTrainingModule(dir, 'new nn.Linear(6, 3)');
  const runs = join(dir, 'runs');
  const train = async (...options: string[]) => {
    const output = ['--output', join(dir, 'weights.safetensors'), '--workers', '2'];
    const training = [program, 'train', file, '--checkpoint', runs];
    return (await run(process.execPath, [...training, ...output, ...options])).stdout;
  };
  expect(await train('--epochs', '2', '--save-every', '2')).not.toContain('goes on');
  expect(readdirSync(runs)).toContain('step-000000006.safetensors');
  const second = await train('--epochs', '3');
  expect(second).toContain(`goes on from ${join(runs, 'step-000000006.safetensors')}: 6 steps, 2 epochs`);
  expect(second).toContain('epoch 3/3');
  expect(second).not.toContain('epoch 2/3');
  const third = await train('--epochs', '3');
  expect(third).toContain('9 steps, 3 epochs');
  expect(third).toMatch(/done: loss [\d.]+, [\d.]+ s\n/);
});
