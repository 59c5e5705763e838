/** All codes of errors, and what each says. Programs decide by the code of an error; its message may be reworded. */
export const errorCodes = {
  ERR_CHAINRULE_INVALID: 'An argument, an option, a model or a file breaks the rule that the message states.',
  ERR_CHAINRULE_DATA: 'A run met values it cannot compute with: an index out of range, or a singular matrix.',
  ERR_CHAINRULE_BAD_ITEM: 'A sample, or an item of a stream, could not be loaded.',
  ERR_CHAINRULE_NON_FINITE:
    'The loss, a gradient, a parameter or the state of an optimiser is NaN or infinite.',
  ERR_CHAINRULE_BUDGET:
    'A call does not fit the option `memory`, or that is more than the process may use; the message states both amounts.',
  ERR_CHAINRULE_MEMORY: 'Memory could not be allocated, or less is available than a plan needs.',
  ERR_CHAINRULE_STEP_FAILED:
    'A training step or an evaluation failed with an error from outside the library, its `cause`.',
  ERR_CHAINRULE_WORKER_ENDED:
    'A thread ended before its work was done (it exited, was terminated or ran out of memory), or could not be started.',
  ERR_CHAINRULE_WORKER_STUCK:
    'A step took longer than `stepTimeout`, or a worker thread did not end when told to.',
  ERR_CHAINRULE_WORKER_RELEASED:
    'A worker stopped because another one had failed, whose error is the one reported.',
  ERR_CHAINRULE_CHECKPOINT:
    'The checkpoint directory cannot be used; `cause` is often a system error, as `ENOSPC`.',
  ERR_CHAINRULE_IN_USE: 'Another run uses the checkpoint directory; the message names its process.',
  ERR_CHAINRULE_SIGTERM: 'A run with checkpoints was stopped by the signal SIGTERM.',
  ERR_CHAINRULE_ADDON: 'The native addon could not be loaded.',
} as const;

/** The code of a `ChainruleError`. */
export type ErrorCode = keyof typeof errorCodes;

/** True for the codes of this list. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}
