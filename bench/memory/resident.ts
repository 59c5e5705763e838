import { readFileSync, writeFileSync } from 'node:fs';

/** How often resident memory is read where the system does not keep its peak, in milliseconds. */
const SAMPLE_MS = 5;

/** How much the resident memory of this process grows, at its peak, from now on. */
export class ResidentGrowth {
  readonly #before = process.memoryUsage.rss();
  readonly #systemPeak = resetPeak();
  readonly #timer: NodeJS.Timeout | undefined;
  #sampled = this.#before;

  constructor() {
    if (this.#systemPeak) return;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  /** Bytes so far. */
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

/** Lets Linux count the peak from now on; false where that is not to be had. */
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
