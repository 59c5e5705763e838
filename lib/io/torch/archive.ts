import { invalid } from '../../graph/errors.js';
import { type ByteSource, fileSource } from '../byte-source.js';
import { allocateBytes } from '../file-dtypes.js';
import { openToRead } from '../regular-file.js';
import { openZip, type ZipArchive } from '../zip/open.js';
import { Elements } from './elements.js';
import { torchSurroundings } from './globals.js';
import { unpickle } from './pickle/unpickle.js';

/** An open file of `torch.save`. */
export interface TorchArchive {
  /** What was saved. Its tensors are `TorchTensor`s, which `elements` reads. */
  readonly root: unknown;
  readonly elements: Elements;
  /** What errors about the values begin with. */
  readonly label: string;
  /** Bytes of the pickle. */
  readonly pickleBytes: number;
  close(): Promise<void>;
}

/** A pickle holds no elements: one of a million parameters has half of this. */
const MOST_PICKLE = 2 ** 29;
const SAVE = 'load it in PyTorch and save it again: torch.save(model.state_dict(), path)';

/** Opens a file of `torch.save`: reads its pickle, and no element of a tensor. */
export async function openArchive(path: string): Promise<TorchArchive> {
  await requireZip(path);
  const archive = await openZip(path, { mayLackChecksums: true });
  try {
    const prefix = prefixOf(path, archive);
    const pickle = archive.entries.get(`${prefix}/data.pkl`) as ByteSource;
    if (pickle.size > MOST_PICKLE) throw invalid(pickle.label, `may have ${MOST_PICKLE} bytes`, pickle.size);
    const bytes = allocateBytes(pickle.size);
    await pickle.readInto(bytes);
    const surroundings = torchSurroundings((key) => archive.entries.get(`${prefix}/data/${key}`));
    return {
      root: unpickle(pickle.label, bytes, surroundings),
      elements: new Elements(await isBigEndian(archive.entries.get(`${prefix}/byteorder`))),
      label: pickle.label,
      pickleBytes: bytes.length,
      close: () => archive.close(),
    };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/** Throws, with what to do about it, for the format before PyTorch 1.6: one pickle after another. */
async function requireZip(path: string): Promise<void> {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    const [first = 0, protocol = 0] = await fileSource(path, file, size).head(2);
    if (first === 0x80 && protocol >= 1 && protocol <= 5)
      throw invalid(path, `is a pickle, as PyTorch wrote before version 1.6, and not an archive; ${SAVE}`);
  } finally {
    await file.close();
  }
}

/** The folder that all entries are in, which has the name of the file when it was written. */
function prefixOf(path: string, { entries }: ZipArchive): string {
  const names = [...entries.keys()];
  const folders = names.flatMap((name) => /^([^/]+)\/data\.pkl$/.exec(name)?.[1] ?? []);
  const [prefix, ...surplus] = folders;
  if (prefix === undefined || surplus.length > 0)
    throw invalid(
      path,
      'is not a file of torch.save, which has one entry data.pkl in a folder',
      folders.length,
    );
  if (names.some((name) => name === `${prefix}/constants.pkl` || name.startsWith(`${prefix}/code/`)))
    throw invalid(
      path,
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
