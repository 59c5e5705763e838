/** What has been made of a share in a step: buffers may have changed; the gradients are added up; the update is made. */
export type UpdatePhase = 'begun' | 'gathered' | 'updated';

const PHASES: readonly UpdatePhase[] = ['begun', 'gathered', 'updated'];

/**
 * How far each share of the update is, in words that stand in shared memory and are set by the native call that did the
 * work. So when a worker is terminated, the next one knows what is left of the step, and does nothing twice.
 */
export class ShareProgress {
  readonly #marks: Int32Array;

  constructor(marks: SharedArrayBuffer) {
    this.#marks = new Int32Array(marks);
  }

  /** Whether the gradients of this step have been added up, or the step is over. */
  isGathered(share: number, step: number): boolean {
    return this.#at(share) >= markOf(step, 'gathered');
  }

  isUpdated(share: number, step: number): boolean {
    return this.#at(share) >= markOf(step, 'updated');
  }

  set(share: number, step: number, phase: UpdatePhase): void {
    Atomics.store(this.#marks, share, markOf(step, phase));
  }

  /** The same as `set`, as the last arguments of a native call, which sets the mark when its work is done. */
  mark(
    share: number,
    step: number,
    phase: UpdatePhase,
  ): [marks: Int32Array, markIndex: number, markValue: number] {
    return [this.#marks, share, markOf(step, phase)];
  }

  /** Before a step of the epoch, all that went before is over. */
  begin(step: number): void {
    this.#marks.fill(PHASES.length * step);
  }

  /** The first step that is not over in all shares, and whether some share has begun with what follows the gradients. */
  unfinished(): { step: number; begun: boolean } {
    const step = Math.floor(Math.min(...this.#marks) / PHASES.length);
    return { step, begun: this.#marks.some((mark) => mark > PHASES.length * step) };
  }

  #at(share: number): number {
    return Atomics.load(this.#marks, share);
  }
}

function markOf(step: number, phase: UpdatePhase): number {
  return PHASES.length * step + PHASES.indexOf(phase) + 1;
}
