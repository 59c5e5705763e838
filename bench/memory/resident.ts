import { readFileSync, writeFileSync } from 'node:fs';

/** Period of sampling the resident memory where the system does not record its peak, in milliseconds. */
const SAMPLE_MS = 5;

/** Peak growth of this process's resident memory since construction. */
export class ResidentGrowth {
  readonly #before = process.memoryUsage.rss();
  readonly #systemPeak = resetPeak();
  readonly #timer: NodeJS.Timeout | undefined;
  #sampled = this.#before;

  constructor() {
    if (this.#systemPeak) return;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  /** Growth so far, in bytes. */
  get bytes(): number {
    this.#sample();
    return Math.max(this.#systemPeak ? readPeak() : 0, this.#sampled) - this.#before;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#sampled = Math.max(this.#sampled, process.memoryUsage.rss());
  }
}

/** Makes Linux record the peak from now on; false where that is not possible. */
function resetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return readPeak() > 0;
  } catch {
    return false;
  }
}

function readPeak(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kilobytes ?? 0);
}
