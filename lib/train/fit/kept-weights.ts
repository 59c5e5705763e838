import type { TensorSource } from '../../checkpoint/file.js';
import { CALLBACKS_PREFIX } from '../../checkpoint/tensor-sources.js';
import type { SharedMemory } from '../../parallel/protocol/job.js';
import { sharedMemory, viewInto } from '../../parallel/protocol/shared-memory.js';
import type { TrainedMemory } from '../prepare/trainer-memory.js';

/** A copy of the weights that a callback keeps: parameters, buffers and, if the optimiser has them, averages. */
export class KeptWeights {
  /** True once something is kept. */
  any = false;
  readonly sources: readonly TensorSource[];
  readonly #pairs: readonly { readonly from: SharedMemory; readonly to: SharedMemory }[];

  constructor(callback: string, { parameters, memory }: TrainedMemory) {
    const parts = { weights: parameters.memory, ...(memory.average ? { averages: memory.average } : {}) };
    const named = Object.entries(parts).map(([name, from]) => {
      return { name, from, to: sharedMemory(from.dtype, from.elements) };
    });
    this.#pairs = named;
    this.sources = named.map(({ name, to }) => ({
      name: `${CALLBACKS_PREFIX}${callback}/${name}`,
      dtype: to.dtype,
      shape: [to.elements],
      buffer: to.buffer,
      byteOffset: to.byteOffset,
    }));
  }

  keep(): void {
    for (const { from, to } of this.#pairs) viewInto(to).set(viewInto(from));
    this.any = true;
  }

  restore(): void {
    for (const { from, to } of this.#pairs) viewInto(from).set(viewInto(to));
  }
}
