import { printable } from '../text/printable.js';
import type { ErrorCode } from './error-codes.js';

/**
 * The only error class of the project. Records which failure it is, the operation that failed, what it expected and
 * what it received. Its message is one line without control characters, also where it quotes a file or a value.
 */
export class ChainruleError extends Error {
  override readonly name = 'ChainruleError';
  readonly code: ErrorCode;
  readonly op: string;
  readonly expected: string;
  readonly received: unknown;
  /** Path of the layer in which a trainer's model failed, such as `encoder.fc1`; undefined elsewhere. */
  declare readonly layer?: string;

  constructor(
    op: string,
    expected: string,
    message: string,
    received?: unknown,
    options: ErrorOptions & { readonly code?: ErrorCode; readonly layer?: string | undefined } = {},
  ) {
    super(printable(message), options);
    if (options.layer !== undefined) this.layer = options.layer;
    this.code = options.code ?? 'ERR_CHAINRULE_INVALID';
    this.op = op;
    this.expected = expected;
    this.received = received;
  }
}

/**
 * Builds the error for a bad argument, to be thrown by the caller: `throw invalid('conv2d', 'stride must be a positive
 * integer', stride)` reads "conv2d: stride must be a positive integer, got 0".
 *
 * @param op the operation that failed, or the file being read
 * @param expected the rule that was broken
 * @param received the offending value; without it the message ends after `expected`
 */
export function invalid(op: string, expected: string, ...received: [received?: unknown]): ChainruleError {
  const details = received.length > 0 ? { received: received[0] } : {};
  const error = failed('ERR_CHAINRULE_INVALID', op, expected, details);
  // The first line of the stack should be the check that failed, not this helper.
  captureStack(error, invalid);
  return error;
}

/** As `invalid`, with another code or with the error behind it. */
export function failed(
  code: ErrorCode,
  op: string,
  expected: string,
  details: { readonly received?: unknown; readonly cause?: unknown } = {},
): ChainruleError {
  const { received, ...options } = details;
  const got = 'received' in details ? `, got ${describe(received)}` : '';
  const error = new ChainruleError(op, expected, `${op}: ${expected}${got}`, received, { code, ...options });
  captureStack(error, failed);
  return error;
}

/** Frames of a stack that an error keeps at least: a public function that calls others must not hide its caller. */
const STACK_FRAMES = 40;

/** Sets the stack of an error to the callers of a function. */
export function captureStack(error: ChainruleError, above: (...args: never[]) => unknown): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = limit > 0 ? Math.max(limit, STACK_FRAMES) : limit;
  Error.captureStackTrace(error, above);
  Error.stackTraceLimit = limit;
}

/** The error with the path of a layer, which its message begins with; unchanged if it has one already. */
export function inLayer(error: ChainruleError, layer: string): ChainruleError {
  return error.layer === undefined ? reworded(error, `${layer}: ${error.message}`, layer) : error;
}

/** The error with words about the circumstances at the end of its message. */
export function withNote(error: ChainruleError, note: string): ChainruleError {
  return reworded(error, `${error.message} (${note})`, error.layer);
}

function reworded(error: ChainruleError, message: string, layer: string | undefined): ChainruleError {
  const { code, op, expected, received, cause, stack } = error;
  const options = { code, layer, ...(cause === undefined ? {} : { cause }) };
  const other = new ChainruleError(op, expected, message, received, options);
  // The stack of the check that failed, with the new message.
  if (stack) other.stack = stack.replace(error.message, () => other.message);
  return other;
}

/** True for an error of the library with this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof ChainruleError && error.code === code;
}

/** The message of whatever was thrown, to be shown; nothing is decided by it. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'an error without a readable message';
  }
}

/** A shape as error messages print it: `[32,784]`; a scalar is `[]`. */
export function formatShape(shape: ArrayLike<number>): string {
  return `[${Array.from(shape).join(',')}]`;
}

/** Formats dtype and shape as `float32[2,3]`. */
export function formatType({
  dtype,
  shape,
}: {
  readonly dtype: string;
  readonly shape: readonly number[];
}): string {
  return `${dtype}${formatShape(shape)}`;
}

/** Inclusive limits of an integer argument. */
export interface IntegerRange {
  min?: number;
  max?: number;
}

/**
 * Returns `value` if it is an integer within the inclusive range (by default, any safe integer).
 *
 * @throws ChainruleError naming the argument and the range otherwise
 */
export function requireInteger(op: string, name: string, value: unknown, range: IntegerRange = {}): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(op, `${name} must be ${describeRange(range)}`, value);
}

/** The integers of a range, in words: `a positive integer`. */
export function describeRange({ min, max }: IntegerRange): string {
  if (min !== undefined && max !== undefined) return `an integer from ${min} to ${max}`;
  if (max !== undefined) return `an integer of at most ${max}`;
  if (min === 0) return 'a non-negative integer';
  if (min === 1) return 'a positive integer';
  return min === undefined ? 'an integer' : `an integer of at least ${min}`;
}

const LONGEST_LIST = 8;
const DEEPEST_LIST = 4;

/** Describes a value, whatever it is: a proxy or a getter may throw. */
function describe(value: unknown): string {
  try {
    return format(value);
  } catch {
    return 'a value that cannot be read';
  }
}

function format(value: unknown, depth = 0): string {
  // In quotes, a string is not taken for a number.
  if (typeof value === 'string') return Number.isNaN(Number(value)) ? value : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (Array.isArray(value)) {
    if (depth === DEEPEST_LIST) return '[...]';
    const shown = Array.from(value.slice(0, LONGEST_LIST), (item) => format(item, depth + 1)).join(',');
    return value.length > LONGEST_LIST ? `[${shown},... ${value.length} in all]` : `[${shown}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const name: unknown = value.constructor?.name;
    const isNamed = typeof name === 'string' && name !== '' && name !== 'Object';
    return isNamed ? `an instance of ${name}` : 'an object';
  }
  return String(value);
}
