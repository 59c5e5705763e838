import { describe, expect, it } from 'vitest';
import { nn } from '#lib/index.js';
import { addon } from '#lib/runtime/addon.js';
import { allocateAligned } from '#lib/runtime/aligned-memory.js';

/** Sizes around those from which on an allocator takes whole pages. */
const sizes = [0, 1, 3, 17, 100, 1000, 5000, 40_000, 300_000];

describe('memory that kernels read', () => {
  it('begins with a cache line, and is zero', () => {
    for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bool'] as const) {
      for (const size of sizes) {
        const memory = allocateAligned(dtype, size);
        expect(memory).toHaveLength(size);
        expect(memory.every((value) => value === 0)).toBe(true);
        expect(addon().addressModulo(memory, 64)).toBe(0);
      }
    }
  });

  it('is that of parameters and buffers', () => {
    for (const size of sizes) {
      const parameter = new nn.Parameter([size], { init: nn.init.zeros });
      const buffer = new nn.Buffer([size]);
      for (const { storage } of [parameter, buffer]) {
        expect(storage.data.buffer).toBeInstanceOf(SharedArrayBuffer);
        expect(addon().addressModulo(storage.data, 64)).toBe(0);
      }
    }
  });
});
