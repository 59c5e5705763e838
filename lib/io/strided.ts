// Elements in memory at distances of their own on each axis, and in the byte order of another machine.

/** Where the elements of a tensor lie in a stretch of bytes. */
export interface Layout {
  /** Bytes of an element. */
  readonly width: number;
  readonly shape: readonly number[];
  /** Elements from one index of an axis to the next. */
  readonly strides: readonly number[];
  /** The first element. */
  readonly offset: number;
}

/** Number of elements of a shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The strides of row-major elements: the last axis varies fastest. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  shape.reduceRight((step, size) => {
    strides.unshift(step);
    return step * size;
  }, 1);
  return strides;
}

/** The strides of column-major elements, as Fortran has them: the first axis varies fastest. */
export function columnMajorStrides(shape: readonly number[]): number[] {
  return rowMajorStrides([...shape].reverse()).reverse();
}

/** True if the elements lie one behind the other in row-major order. */
export function isRowMajor({ shape, strides }: Layout): boolean {
  if (shape.includes(0)) return true;
  const expected = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

/** Copies elements from where they lie to row-major order. `target` has room for all of them, and no more. */
export function gather(source: Uint8Array, target: Uint8Array, layout: Layout): void {
  if (target.length === 0) return;
  const { width, offset } = layout;
  const unit = [4, 2, 1].find(
    (size) => width % size === 0 && source.byteOffset % size === 0 && target.byteOffset % size === 0,
  ) as 4 | 2 | 1;
  // An element that is wider than a unit is an axis of units.
  const units = width / unit;
  const shape = [...layout.shape, units];
  const strides = [...layout.strides.map((stride) => stride * units), 1];
  copyRows(viewOf(unit, source), viewOf(unit, target), joined(shape, strides), offset * units);
}

type Units = Uint8Array | Uint16Array | Uint32Array;

function viewOf(unit: 4 | 2 | 1, { buffer, byteOffset, length }: Uint8Array): Units {
  if (unit === 4) return new Uint32Array(buffer, byteOffset, Math.floor(length / 4));
  if (unit === 2) return new Uint16Array(buffer, byteOffset, Math.floor(length / 2));
  return new Uint8Array(buffer, byteOffset, length);
}

interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** The axes that count: each that continues the one before it is joined to it, and those of one element are dropped. */
function joined(shape: readonly number[], strides: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  for (const [i, size] of shape.entries()) {
    const stride = strides[i] as number;
    const last = axes.at(-1);
    if (size === 1) continue;
    if (last?.stride === size * stride) axes[axes.length - 1] = { size: last.size * size, stride };
    else axes.push({ size, stride });
  }
  return axes;
}

/** Rows shorter than this are copied element by element. */
const SHORT_ROW = 16;

function copyRows(source: Units, target: Units, axes: readonly Axis[], offset: number): void {
  const outer = axes.slice(0, -1);
  const { size, stride } = axes.at(-1) ?? { size: 1, stride: 1 };
  const index = outer.map(() => 0);
  let from = offset;
  for (let to = 0; to < target.length; to += size) {
    if (stride === 1 && size >= SHORT_ROW) target.set(source.subarray(from, from + size), to);
    else for (let i = 0; i < size; i++) target[to + i] = source[from + i * stride] as number;
    for (let i = outer.length - 1; i >= 0; i--) {
      const axis = outer[i] as Axis;
      const next = (index[i] as number) + 1;
      from += axis.stride;
      if (next < axis.size) {
        index[i] = next;
        break;
      }
      from -= axis.stride * axis.size;
      index[i] = 0;
    }
  }
}

/** Turns the order of the bytes of each number around. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 8) buffer.swap64();
  else if (width === 4) buffer.swap32();
  else if (width === 2) buffer.swap16();
}
