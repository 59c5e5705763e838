import { invalid } from '../../graph/errors.js';
import { Session } from './session.js';

/** The calls of a trainer; only one at a time may have threads. */
export class Calls {
  #session: Session | undefined;
  #paused = false;
  /** True if a call left a thread behind that did not end. */
  #lost = false;

  /** True while a call is under way. */
  get busy(): boolean {
    return this.#session !== undefined;
  }

  /** True if paused: the call under way sleeps between two steps, and the next call starts paused. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (this.#session) this.#session.paused = paused;
  }

  /** Reserves the trainer for one call, which may start threads and must `leave`. */
  enter(op: string): Session {
    if (this.#lost) {
      throw invalid(
        op,
        'a thread of an earlier call has not ended, and may change the parameters; make a new trainer',
      );
    }
    if (this.#session)
      throw invalid(op, 'the trainer is busy; wait for the call under way, or leave its loop');
    this.#session = new Session();
    this.#session.paused = this.#paused;
    return this.#session;
  }

  /**
   * Ends the threads of a call and releases the trainer.
   *
   * @param after called when the threads have ended
   */
  async leave(session: Session, after: () => void | Promise<void> = () => {}): Promise<void> {
    await session.end();
    await after();
    this.#lost ||= session.lost;
    this.#session = undefined;
  }
}
