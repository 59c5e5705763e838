import { invalid } from '../../graph/errors.js';
import { Session } from './session.js';

/** The calls of a trainer, of which one at a time has threads. */
export class Calls {
  #session: Session | undefined;
  #paused = false;
  /** Whether some call left a thread behind that did not end. */
  #lost = false;

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.#session !== undefined;
  }

  /** Whether the call under way sleeps between two steps, and what is called next begins with a pause. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (this.#session) this.#session.paused = paused;
  }

  /** Takes the trainer for one call, which starts threads and must end them. */
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

  /** @param after what to do when all threads are gone */
  async leave(session: Session, after = () => {}): Promise<void> {
    await session.end();
    after();
    this.#lost ||= session.lost;
    this.#session = undefined;
  }
}
