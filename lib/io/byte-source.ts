import type { RandomAccessFile } from './random-access.js';

/** Bytes that are read when they are asked for: a file, or an entry of an archive. */
export interface ByteSource {
  /** What errors begin with. */
  readonly label: string;
  /** Number of bytes. */
  readonly size: number;
  /** The first bytes, or all if there are fewer. */
  head(bytes: number): Promise<Uint8Array>;
  /** Fills one target after the other with all bytes, which are as many as the targets have together. */
  readInto(...targets: readonly Uint8Array[]): Promise<void>;
}

/** All bytes of an open file. */
export function wholeOf(file: RandomAccessFile): ByteSource {
  const { label, size } = file;
  return {
    label,
    size,
    async head(bytes) {
      const first = new Uint8Array(Math.min(bytes, size));
      await file.read(first, 0);
      return first;
    },
    async readInto(...targets) {
      let position = 0;
      for (const target of targets) {
        await file.read(target, position);
        position += target.length;
      }
    },
  };
}
