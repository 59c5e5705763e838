import { readFileSync } from 'node:fs';
import { type DType, type Tensor, type TypedArray, tensor } from 'chainrule';

/** An array as `scripts/record-fixtures.py` writes it. */
export interface Recorded {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Base64 of little-endian elements. */
  readonly data: string;
}

/** A function's recorded value, and the gradients of its projection on fixed numbers. */
export interface RecordedCase {
  readonly inputs: readonly Recorded[];
  readonly output: Recorded;
  readonly projection?: Recorded;
  readonly gradients?: readonly (Recorded | null)[];
}

/** Results of PyTorch: a file of test/fixtures. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** The elements of a recorded array. */
export function decode({ dtype, data }: Recorded): TypedArray {
  const bytes = Buffer.from(data, 'base64');
  // A copy, because a Buffer's place in its pool need not be aligned.
  const buffer = new Uint8Array(bytes).buffer;
  if (dtype === 'float32') return new Float32Array(buffer);
  if (dtype === 'float64') return new Float64Array(buffer);
  return dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer);
}

/** A recorded array as a constant. */
export function toTensor(recorded: Recorded): Tensor {
  return tensor(decode(recorded), { shape: recorded.shape, dtype: recorded.dtype });
}
