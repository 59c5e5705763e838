/** Phase of a share within a step: buffers may have changed; the gradients are added up; the update is done. */
export type UpdatePhase = 'begun' | 'gathered' | 'updated';

const PHASES: readonly UpdatePhase[] = ['begun', 'gathered', 'updated'];

/**
 * Progress of each share of the update, in shared words that the native call sets once its work is done. If a worker is
 * terminated, its successor thus knows what is left of the step and does nothing twice.
 */
export class ShareProgress {
  readonly #marks: Int32Array;

  constructor(marks: SharedArrayBuffer) {
    this.#marks = new Int32Array(marks);
  }

  /** True if the gradients of this step have been added up, or the step is over. */
  isGathered(share: number, step: number): boolean {
    return this.#at(share) >= markOf(step, 'gathered');
  }

  isUpdated(share: number, step: number): boolean {
    return this.#at(share) >= markOf(step, 'updated');
  }

  set(share: number, step: number, phase: UpdatePhase): void {
    Atomics.store(this.#marks, share, markOf(step, phase));
  }

  /** The last arguments of a native call, which performs `set` when its work is done. */
  mark(
    share: number,
    step: number,
    phase: UpdatePhase,
  ): [marks: Int32Array, markIndex: number, markValue: number] {
    return [this.#marks, share, markOf(step, phase)];
  }

  /** Marks all steps before this step of the epoch as done. */
  begin(step: number): void {
    this.#marks.fill(PHASES.length * step);
  }

  /** The first step that some share has not finished; `begun` if any share is past the gradients of that step. */
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
