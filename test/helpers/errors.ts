import { ChainruleError } from 'chainrule';
import { expect } from 'vitest';

/** A description of the error, the call, and the whole message. */
export type BadCall = readonly [what: string, call: () => unknown, message: string];

/** Checks that a call throws this very message, and that the caller's file is on the stack. */
export function expectBadCall(call: () => unknown, message: string, file: string): void {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, 'it must throw').toBeInstanceOf(ChainruleError);
  const error = thrown as ChainruleError;
  expect(error.message).toBe(message);
  expect(message.startsWith(`${error.op}: ${error.expected}`)).toBe(true);
  // The helper's own frames must not stand in for the user's.
  expect(error.stack).toContain(file);
}
