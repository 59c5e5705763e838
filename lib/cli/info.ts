import { at } from '../graph/at.js';
import { sizeOf } from '../graph/shapes.js';
import { readSafetensorsHeader } from '../io/safetensors.js';
import { count } from './quantities.js';

/** Prints the names, dtypes and shapes of the tensors in a safetensors file. */
export async function info(file: string): Promise<void> {
  const { tensors, metadata } = await readSafetensorsHeader(file);
  const rows = tensors.map(({ name, dtype, shape }) => [
    name,
    dtype,
    `[${shape.join(',')}]`,
    count(sizeOf(shape)),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(0, ...rows.map((row) => at(row, i).length)));
  for (const row of rows) {
    const cells = row.map((cell, i) => (i === 3 ? cell.padStart(at(widths, i)) : cell.padEnd(at(widths, i))));
    console.log(cells.join('  '));
  }
  const elements = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = tensors.reduce((sum, { begin, end }) => sum + end - begin, 0);
  console.log(`${count(tensors.length)} tensors, ${count(elements)} elements, ${count(bytes)} bytes`);
  for (const [key, value] of Object.entries(metadata)) console.log(`${key}: ${value}`);
}
