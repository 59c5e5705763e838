import { invalid } from '../../graph/errors.js';
import { type ByteSource, wholeOf } from '../byte-source.js';
import { allocateBytes } from '../file-dtypes.js';
import type { RandomAccessFile } from '../random-access.js';
import { type ZipEntries, zipEntries } from '../zip/entries.js';
import { Elements } from './elements.js';
import { torchSurroundings } from './globals.js';
import { unpickle } from './pickle/unpickle.js';

/** What is in a file of `torch.save`. */
export interface TorchArchive {
  /** What was saved. Its tensors are `TorchTensor`s, which `elements` reads. */
  readonly root: unknown;
  readonly elements: Elements;
  /** What errors about the values begin with. */
  readonly label: string;
  /** Bytes of the pickle. */
  readonly pickleBytes: number;
}

/** A pickle holds no elements: one of a million parameters has half of this. */
const MOST_PICKLE = 2 ** 29;
const SAVE = 'load it in PyTorch and save it again: torch.save(model.state_dict(), path)';

/** Reads the pickle in a file of `torch.save`, and no element of a tensor. */
export async function readArchive(file: RandomAccessFile): Promise<TorchArchive> {
  await requireZip(file);
  const entries = await zipEntries(file, { mayLackChecksums: true });
  const prefix = prefixOf(file.label, entries);
  const pickle = entries.get(`${prefix}/data.pkl`) as ByteSource;
  if (pickle.size > MOST_PICKLE) throw invalid(pickle.label, `may have ${MOST_PICKLE} bytes`, pickle.size);
  const bytes = allocateBytes(pickle.size);
  await pickle.readInto(bytes);
  const surroundings = torchSurroundings((key) => entries.get(`${prefix}/data/${key}`));
  return {
    root: unpickle(pickle.label, bytes, surroundings),
    elements: new Elements(await isBigEndian(entries.get(`${prefix}/byteorder`))),
    label: pickle.label,
    pickleBytes: bytes.length,
  };
}

/** Throws, with what to do about it, for the format before PyTorch 1.6: one pickle after another. */
async function requireZip(file: RandomAccessFile): Promise<void> {
  const [first = 0, protocol = 0] = await wholeOf(file).head(2);
  if (first === 0x80 && protocol >= 1 && protocol <= 5)
    throw invalid(
      file.label,
      `is a pickle, as PyTorch wrote before version 1.6, and not an archive; ${SAVE}`,
    );
}

/** The folder that all entries are in, which has the name of the file when it was written. */
function prefixOf(label: string, entries: ZipEntries): string {
  const names = [...entries.keys()];
  const folders = names.flatMap((name) => /^([^/]+)\/data\.pkl$/.exec(name)?.[1] ?? []);
  const [prefix, ...surplus] = folders;
  if (prefix === undefined || surplus.length > 0)
    throw invalid(
      label,
      'is not a file of torch.save, which has one entry data.pkl in a folder',
      folders.length,
    );
  if (names.some((name) => name === `${prefix}/constants.pkl` || name.startsWith(`${prefix}/code/`)))
    throw invalid(
      label,
      'is a TorchScript archive, which holds a program; save its tensors alone: ' +
        'torch.save(torch.jit.load(path).state_dict(), other)',
    );
  return prefix;
}

/** The entry is missing in files before PyTorch 2.1, which have little-endian numbers on all machines that are sold. */
async function isBigEndian(source: ByteSource | undefined): Promise<boolean> {
  if (!source) return false;
  const order = new TextDecoder().decode(await source.head(8));
  if (order !== 'little' && order !== 'big') throw invalid(source.label, 'must be little or big', order);
  return order === 'big';
}
