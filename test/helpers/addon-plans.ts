/** Plans for the addon's own tests, in the form that it takes. */

export const context = new Uint32Array(4);

const rowMajor = (shape: number[]) =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));

/** An operand of a plan, row-major unless strides are given. */
export const operand = (
  buffer: number,
  offset: number,
  shape: number[],
  dtype = 'float32',
  strides = rowMajor(shape),
) => ({
  buffer,
  offset,
  dtype,
  shape,
  strides,
});

export const binding = (length: number, dtype = 'float32', bytes = 4 * length) => ({
  kind: 'input',
  dtype,
  shape: [length],
  bytes,
});

/** Transposes a 2x3 matrix into the arena, then copies it out. */
export const transpose = () => ({
  arenaBytes: 64,
  bindings: [binding(6), binding(6)],
  steps: [
    { kernel: 'copy', input: operand(1, 0, [3, 2], 'float32', [1, 3]), output: operand(0, 0, [3, 2]) },
    { kernel: 'copy', input: operand(0, 0, [3, 2]), output: operand(2, 0, [3, 2]) },
  ],
});

/** Copies its first binding to its second, unless a value of the first is outside 0..9. */
export const guarded = (length: number) => ({
  arenaBytes: 0,
  bindings: [binding(length, 'int32'), binding(length, 'int32')],
  steps: [
    {
      kernel: 'checkRange',
      name: 'labels',
      low: 0,
      high: 10,
      input: operand(1, 0, [length], 'int32'),
      output: operand(2, 0, [length], 'int32'),
    },
  ],
});
