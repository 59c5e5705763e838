import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { library } from '../helpers/command-line.js';

const run = promisify(execFile);
const readme = await readFile('README.md', 'utf8');
const programs = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] as string);

describe('the programs in the README', () => {
  let directory: string;

  beforeAll(async () => {
    // Below the repository, where `chainrule` is the package itself.
    directory = await mkdtemp(join(process.cwd(), 'build', 'readme-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function runProgram(index: number, edit = (source: string) => source): Promise<string> {
    const file = join(directory, `${index}.mjs`);
    const source = programs[index] as string;
    // The package in a few files, as users have it.
    expect(source).toContain("from 'chainrule'");
    await writeFile(file, edit(source).replaceAll("'chainrule'", `'${library}'`));
    const { stdout } = await run(process.execPath, [file], { cwd: directory });
    return stdout;
  }

  it('are three', () => {
    expect(programs).toHaveLength(3);
  });

  it('train a network on MNIST with a Trainer', async () => {
    const stdout = await runProgram(0, (source) => source.replace('epochs: 3', 'epochs: 1'));
    const accuracy = Number(/accuracy: ([\d.]+)/.exec(stdout)?.[1]);
    expect(accuracy).toBeGreaterThan(0.95);
  });

  it.each(['compile', 'dataParallel'])('learn XOR in a hand-written loop around %s', async (wrapper) => {
    const stdout = await runProgram(1, (source) => source.replaceAll('compile', wrapper));
    const losses = stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[1]));
    expect(losses).toHaveLength(4);
    expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
  });

  it('print a loss and its gradients', async () => {
    // By hand in float64: see the program.
    const w = [0.5, -1, 2, 0.1];
    const [b0, b1] = [0.1, 0.2];
    const x = [
      [1, 2],
      [3, 4],
    ] as const;
    const outputs = x.flatMap(([p, q]) => [
      Math.tanh(p * (w[0] as number) + q * (w[2] as number) + b0),
      Math.tanh(p * (w[1] as number) + q * (w[3] as number) + b1),
    ]);
    const loss = outputs.reduce((sum, y) => sum + y * y, 0);
    expect(Number.parseFloat(await runProgram(2))).toBeCloseTo(loss, 5);
  });
});
