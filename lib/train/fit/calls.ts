import { failed, invalid } from '../../graph/errors.js';
import { type Damage, Session } from './session.js';

/** The calls of a trainer; only one at a time may have threads. */
export class Calls {
  #session: Session | undefined;
  #op: string | undefined;
  #paused = false;
  /** Why no call may use the parameters of this trainer any more. */
  #damage: Damage | undefined;

  /** True while a call is under way. */
  get busy(): boolean {
    return this.#session !== undefined;
  }

  /** The name of the call under way. */
  get op(): string | undefined {
    return this.#op;
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
    if (this.#damage !== undefined) {
      const expected = `the parameters are not to be used: ${this.#damage}; load the model, and make a new trainer`;
      throw failed('ERR_CHAINRULE_WORKER_STUCK', op, expected);
    }
    if (this.#session)
      throw invalid(op, 'the trainer is busy; wait for the call under way, or leave its loop');
    this.#session = new Session();
    this.#op = op;
    this.#session.paused = this.#paused;
    return this.#session;
  }

  /**
   * Ends the threads of a call and releases the trainer.
   *
   * @param after called when the threads have ended
   */
  async leave(session: Session, after: () => void | Promise<void> = () => {}): Promise<void> {
    try {
      await session.end();
      await after();
    } finally {
      this.#damage ??= session.damage;
      this.#session = undefined;
      this.#op = undefined;
    }
  }
}
