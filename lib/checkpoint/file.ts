import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { bytesPerElement, type DType, type TensorData, viewOf } from '../graph/dtype.js';
import { failed, invalid } from '../graph/errors.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { readExactly, writeAtomically } from '../io/files.js';
import { encodeChunks, readSafetensorsHeader, type TensorEntry } from '../io/safetensors.js';
import { LENGTH_BYTES } from '../io/safetensors-header.js';

/** Location of a tensor in memory shared by all threads. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  /** True for values that no checkpoint may hold unless they are finite. */
  readonly finite?: boolean;
  /** True for a number for each step, which is NaN for a skipped one. */
  readonly steps?: boolean;
}

/** Header of an intact checkpoint file. */
export interface CheckpointHeader {
  readonly tensors: readonly TensorEntry[];
  readonly dataStart: number;
  /** See `state.ts`. */
  readonly state: string;
  readonly sha256: string;
}

/** Start of the header, so that the checksum is always at the same offset. */
const PREFIX = '{"__metadata__":{"sha256":"';
const DIGEST_START = LENGTH_BYTES + PREFIX.length;
/** Placeholder for the checksum while it is computed. */
const BLANK = '0'.repeat(64);
const CHUNK_BYTES = 2 ** 22;

/**
 * Writes a checkpoint atomically, without copying its tensors: a safetensors file whose metadata contain the state and
 * a SHA-256 of all other bytes, besides those that are given. The memory must not change meanwhile.
 */
export async function writeCheckpoint(
  path: string,
  sources: readonly TensorSource[],
  state: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors: Record<string, TensorData> = Object.create(null);
  for (const source of sources) {
    const { name, dtype, shape, buffer, byteOffset } = source;
    tensors[name] = { dtype, shape, data: viewOf(dtype, buffer, byteOffset, sizeOf(shape)) };
  }
  const parts = encodeChunks(tensors, { sha256: BLANK, state, ...metadata });
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  parts[0]?.set(new TextEncoder().encode(hash.digest('hex')), DIGEST_START);
  await writeAtomically(path, parts);
}

/** The first tensor that must be finite but is not; undefined if there is none. */
export function firstNotFinite(sources: readonly TensorSource[]): TensorSource | undefined {
  return sources.find(({ dtype, shape, buffer, byteOffset, finite }) => {
    if (!finite) return false;
    const values = viewOf(dtype, buffer, byteOffset, sizeOf(shape));
    // Anything finite times 0 is 0.
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0;
    return sum !== 0;
  });
}

/** Says what a tensor that is not finite must be. */
export function mustBeFinite({ name, shape }: Pick<TensorSource, 'name' | 'shape'>): string {
  return `${name} must be finite, but some of its ${sizeOf(shape)} values are not`;
}

/** Throws, with its name, if a tensor that must be finite is not. */
export function requireFinite(sources: readonly TensorSource[]): void {
  const found = firstNotFinite(sources);
  if (found) throw failed('ERR_CHAINRULE_NON_FINITE', 'fit', mustBeFinite(found));
}

/** Verifies the checksum of a file and returns its header. Throws an error that describes the damage. */
export async function verifyCheckpoint(path: string): Promise<CheckpointHeader> {
  const header = await readSafetensorsHeader(path);
  const { sha256, state } = header.metadata;
  if (sha256 === undefined || state === undefined) throw invalid(path, 'is no checkpoint');
  const found = await digestOf(path);
  if (found !== sha256) throw invalid(path, `its bytes must have the SHA-256 ${sha256}`, found);
  return { tensors: header.tensors, dataStart: header.dataStart, state, sha256 };
}

/**
 * Reads tensors from a verified file into memory. The file must contain each of them, with the same shape.
 *
 * @throws if the file is another one by now, or holds values that no run has
 */
export async function loadCheckpoint(
  path: string,
  { tensors, dataStart, sha256 }: CheckpointHeader,
  sources: readonly TensorSource[],
): Promise<void> {
  const entries = new Map(tensors.map((entry) => [entry.name, entry]));
  const file = await open(path);
  try {
    for (const { name, dtype, shape, buffer, byteOffset } of sources) {
      const { begin } = entries.get(name) as TensorEntry;
      const bytes = new Uint8Array(buffer, byteOffset, sizeOf(shape) * bytesPerElement(dtype));
      await readExactly(path, file, bytes, dataStart + begin);
    }
  } finally {
    await file.close();
  }
  const now = await digestOf(path);
  if (now !== sha256) throw invalid(path, `changed while it was read: its SHA-256 was ${sha256}`, now);
  const unfit = firstNotFinite(sources);
  if (unfit) throw failed('ERR_CHAINRULE_NON_FINITE', path, mustBeFinite(unfit));
  for (const source of sources) requirePossible(path, source);
}

/** Checks what a tensor may hold that need not be finite: no NaN in buffers, 0 and 1 as truth values. */
function requirePossible(
  path: string,
  { name, dtype, shape, buffer, byteOffset, steps }: TensorSource,
): void {
  const values = viewOf(dtype, buffer, byteOffset, sizeOf(shape));
  // A skipped step has no loss.
  const holds = (value: number) =>
    dtype === 'bool'
      ? value <= 1
      : steps
        ? Math.abs(value) !== Number.POSITIVE_INFINITY
        : !Number.isNaN(value);
  const at = values.findIndex((value) => !holds(value));
  if (at >= 0) throw invalid(path, `${name} holds a value that no run has, at position ${at}`, values[at]);
}

/** SHA-256 of a file with its own checksum blanked. */
async function digestOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const hash = createHash('sha256');
    const { size } = await file.stat();
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size));
    for (let start = 0; start < size; start += chunk.length) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, size - start));
      await readExactly(path, file, bytes, start);
      if (start === 0) blankDigest(path, bytes);
      hash.update(bytes);
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function blankDigest(path: string, bytes: Uint8Array): void {
  const prefix = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, DIGEST_START));
  if (prefix !== PREFIX) throw invalid(path, 'the header must begin with its checksum');
  bytes.set(new TextEncoder().encode(BLANK), DIGEST_START);
}
