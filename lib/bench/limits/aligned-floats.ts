import { addon } from '../../runtime/addon.js';

/** Bytes of a cache line, to which the arrays of native kernels are aligned too. */
const LINE = 64;

/** A new array that begins with a cache line. */
export function alignedFloats(elements: number): Float32Array {
  const memory = new Float32Array(elements + LINE / 4);
  const excess = addon().addressModulo(memory, LINE);
  const first = ((LINE - excess) % LINE) / 4;
  return memory.subarray(first, first + elements);
}
