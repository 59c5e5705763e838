import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compiledModule } from '../../../lib/runtime/package-root.js';
import { type MemoryCgroup, memoryCgroup } from './cgroup.js';
import type { SoakResult, SoakSample, SoakSizes } from './sizes.js';

/** A soak, and where it ran. */
export interface SoakRun extends SoakResult {
  readonly sizes: SoakSizes;
  /** The cgroup's version, limit and peak; undefined if the system let us make none. */
  readonly cgroup:
    | { readonly version: 1 | 2; readonly bytes: number; readonly peakBytes: number | undefined }
    | undefined;
}

/** Runs a soak in a new process, in a cgroup of this many bytes if the system lets us make one. */
export async function runSoak(
  sizes: SoakSizes,
  bytes: number | undefined,
  onSample: (sample: SoakSample) => void = () => {},
): Promise<SoakRun> {
  const cgroup = bytes === undefined ? undefined : memoryCgroup(bytes);
  try {
    const result = await inProcess(sizes, cgroup, onSample);
    const where = cgroup && bytes !== undefined ? { version: cgroup.version, bytes } : undefined;
    return { ...result, sizes, cgroup: where && { ...where, peakBytes: cgroup?.peakBytes } };
  } finally {
    cgroup?.remove();
  }
}

function inProcess(
  sizes: SoakSizes,
  cgroup: MemoryCgroup | undefined,
  onSample: (sample: SoakSample) => void,
): Promise<SoakResult> {
  const script = fileURLToPath(compiledModule('bench/memory/soak/process.js'));
  // The shell joins the cgroup before Node starts, so that all of its memory counts.
  const join = cgroup ? 'echo $$ > "$0" && ' : '';
  const shell = `${join}exec "$@"`;
  const args = ['-c', shell, cgroup?.processes ?? 'sh', process.execPath, script, JSON.stringify(sizes)];
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let found: SoakResult | undefined;
    createInterface(child.stdout).on('line', (line) => {
      const { sample, result } = JSON.parse(line) as { sample?: SoakSample; result?: SoakResult };
      if (sample) onSample(sample);
      found = result ?? found;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (found && code === 0) resolve(found);
      else reject(new Error(`the soak ended with ${signal ?? code}`));
    });
  });
}
