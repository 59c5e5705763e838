import { constants } from 'node:os';
import { count } from './quantities.js';
import { report } from './report.js';
import { complain } from './terminal.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof signals)[number];

/** One Ctrl-C may arrive twice within this many milliseconds, from the terminal and from npm. */
const REPEATED_MS = 500;

/** What a command is doing when a signal arrives. */
export type Phase = 'loading' | 'training' | 'saving';

/**
 * Stops a training at a signal or at an error that nobody catches, so that its weights are saved. A later signal ends the
 * process at once. Either way, it prints what was saved, or that nothing was.
 */
export class Interruption {
  /** Exit code of a program that is ended like this; undefined until a signal or an error arrives. */
  exitCode: number | undefined;
  /** What was thrown where nobody could catch it, as in a timer of the user's. */
  uncaught: { readonly error: unknown } | undefined;
  phase: Phase = 'loading';
  /** Steps that would be lost. */
  steps: () => number = () => 0;
  readonly #abort = new AbortController();
  readonly #stopsItself: ReadonlySet<Signal>;
  #arrived = Number.NEGATIVE_INFINITY;

  /** @param checkpoints true if the run is saved as it goes, and stops by itself at SIGTERM */
  constructor(private readonly checkpoints: boolean) {
    this.#stopsItself = new Set(checkpoints ? ['SIGTERM'] : []);
    for (const signal of signals) process.on(signal, this.#handle);
    process.on('uncaughtException', this.#fail);
  }

  /** Aborts when a signal arrives. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Leaves signals to Node.js again. */
  end(): void {
    for (const signal of signals) process.removeListener(signal, this.#handle);
    process.removeListener('uncaughtException', this.#fail);
  }

  readonly #fail = (error: unknown): void => {
    if (this.phase === 'training' && !this.uncaught) {
      this.uncaught = { error };
      this.exitCode ??= 1;
      this.#abort.abort();
      return;
    }
    report(error);
    this.exitCode ??= 1;
    if (this.phase === 'loading') process.exit(1);
  };

  readonly #handle = (signal: Signal): void => {
    const code = 128 + constants.signals[signal];
    if (this.phase === 'loading') {
      complain('stopped before the first step: nothing was saved');
      process.exit(code);
    }
    const again = this.exitCode !== undefined;
    if (again && performance.now() - this.#arrived < REPEATED_MS) return;
    this.#arrived = performance.now();
    if (again) {
      const kept = this.checkpoints ? ', but for the last checkpoint' : '';
      complain(`ended at once: the weights of ${count(this.steps())} steps were not saved${kept}`);
      process.exit(code);
    }
    this.exitCode = code;
    if (this.phase === 'saving')
      complain('the weights are being saved; the next signal ends this without them');
    else if (!this.#stopsItself.has(signal)) this.#abort.abort();
  };
}
