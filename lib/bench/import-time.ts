import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compiledModule } from '../runtime/package-root.js';
import { median } from './statistics.js';

const ROUNDS = 7;

/**
 * Milliseconds that `import('chainrule')` adds to the run time of a Node.js process: the median, in turn with a bare
 * one.
 */
export async function importTime(): Promise<number> {
  const entry = compiledModule('lib/index.js').href;
  const added: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const bare = await lifeOf('');
    added.push((await lifeOf(`await import(${JSON.stringify(entry)})`)) - bare);
  }
  return median(added);
}

async function lifeOf(program: string): Promise<number> {
  const start = performance.now();
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  return performance.now() - start;
}
