import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { at } from '../../lib/graph/at.js';

/** Accuracy on the test images that a run has to reach. */
export const GOAL = 0.99;

/** A program that trains once and prints a `RunReport` as a line of JSON. */
export interface Entry {
  readonly name: string;
  readonly command: string;
  /** The seed follows as the last argument. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run says of itself. */
export interface RunReport {
  /** On the test images, after the last step. */
  readonly accuracy: number;
  /** Training and test, without the start of the process and the data. */
  readonly trainSeconds: number;
  /** Processor time of all threads, since the process began. */
  readonly coreSeconds: number;
}

export interface Run extends RunReport {
  readonly seed: number;
  /** From the start of the process to its report. */
  readonly wallSeconds: number;
}

/** The runs of an entry, or why it has none. */
export interface EntryResult {
  readonly entry: string;
  readonly runs: readonly Run[];
  readonly failed?: string;
}

/**
 * Lets the entries train once for each seed, in turn and each in a process of its own. An entry whose program fails
 * is out of the race.
 */
export async function race(
  entries: readonly Entry[],
  seeds: readonly number[],
  remark: (line: string) => void,
): Promise<EntryResult[]> {
  const runs = entries.map((): Run[] => []);
  const failures = new Map<Entry, string>();
  for (const seed of seeds) {
    for (const [i, entry] of entries.entries()) {
      if (failures.has(entry)) continue;
      try {
        const run = await runOnce(entry, seed);
        at(runs, i).push(run);
        remark(describe(entry, run));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.set(entry, reason);
        remark(`${entry.name} is out: ${reason}`);
      }
    }
  }
  return entries.map((entry, i) => {
    const failed = failures.get(entry);
    return { entry: entry.name, runs: at(runs, i), ...(failed === undefined ? {} : { failed }) };
  });
}

function describe({ name }: Entry, { seed, accuracy, wallSeconds }: Run): string {
  return `${name}, seed ${seed}: ${(100 * accuracy).toFixed(2)} % in ${wallSeconds.toFixed(2)} s`;
}

/** Runs an entry's program to its end. */
function runOnce({ command, args, env }: Entry, seed: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, [...args, String(seed)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let run: Run | undefined;
    let complaints = '';
    child.stderr.on('data', (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-2000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = reportIn(line);
      if (report) run = { seed, ...report, wallSeconds: (performance.now() - start) / 1000 };
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0 && run) resolve(run);
      else reject(new Error(complaints.trim().split('\n').at(-1) || `it ended with ${code ?? signal}`));
    });
  });
}

function reportIn(line: string): RunReport | undefined {
  try {
    const { accuracy, trainSeconds, coreSeconds } = JSON.parse(line) as Partial<RunReport>;
    const whole = [accuracy, trainSeconds, coreSeconds].every((value) => typeof value === 'number');
    return whole ? ({ accuracy, trainSeconds, coreSeconds } as RunReport) : undefined;
  } catch {
    return undefined;
  }
}
