import { formatShape } from '../graph/errors.js';
import { sizeOf } from '../graph/shapes.js';
import { openTensors } from '../io/open-tensors.js';
import { byteSize } from '../io/safetensors-header.js';
import { columnsOf, shorten } from '../text/columns.js';
import { printable } from '../text/printable.js';
import { rowsOf } from '../text/table.js';
import { opOf, requireFile } from './input-file.js';
import { count } from './quantities.js';
import { say, terminalColumns } from './terminal.js';

/**
 * Prints the names, dtypes and shapes of the tensors in a file of safetensors, PyTorch or NumPy, and its metadata. Only a terminal has them
 * shortened to its width: in a file or a pipe names are whole.
 */
export async function info(file: string): Promise<void> {
  const columns = terminalColumns(process.stdout) ?? Number.POSITIVE_INFINITY;
  await requireFile(opOf('info', file), file, /\.(safetensors|json|pth?|npz|npy)$/);
  const stored = await openTensors(file);
  await stored.close();
  const { metadata } = stored;
  const tensors = [...stored.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const rows = tensors.map(({ name, dtype, shape }) => [
    name,
    dtype,
    formatShape(shape),
    count(sizeOf(shape)),
  ]);
  if (rows.length > 0) say(rowsOf(rows, columns));
  const elements = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = tensors.reduce((sum, { name, dtype, shape }) => sum + byteSize(name, dtype, shape), 0);
  say(`${count(tensors.length)} tensors, ${count(elements)} elements, ${count(bytes)} bytes`);
  for (const [key, value] of Object.entries(metadata)) {
    const name = shorten(printable(key), Math.floor(columns / 2));
    say(`${name}: ${shorten(printable(value), columns - columnsOf(name) - 2)}`);
  }
}
