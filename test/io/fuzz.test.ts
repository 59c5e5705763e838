import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { withFile } from '#lib/io/random-access.js';
import { encode } from '#lib/io/safetensors.js';
import { storedInTorch } from '#lib/io/torch/torch.js';
import { zipEntries } from '#lib/io/zip/entries.js';
import { readFixture } from '../helpers/fixtures.js';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { inversions, mutations, type Outcomes, type Reader, readDamaged, truncations } from './damage.js';
import { fileBytes } from './recorded-files.js';
import { forge } from './zip/forge.js';

/** Of each kind of file 100,000 in the long proof. */
const SEEDS = LONG ? [1, 2, 3, 4] : [1];
const RUNS = LONG ? 25_000 : 200;
/** A sample of the places of a file; all of them in the long proof. */
const everySo = (count: number) => (LONG ? 1 : count);

const folder = useFolder();
const numpy = readFixture<{
  read: Record<string, { file: string }>;
  archives: Record<string, { file: string }>;
}>('models_and_arrays/numpy_files');
const torch = readFixture<{
  tensors: Record<string, { file: string }>;
  plain: Record<string, string>;
  checkpoint: { file: string };
  nested: string;
}>('torch_files');

const arrays = ['<f4', '>c8', 'b1 in Fortran order', 'f2 in Fortran order', 'version (3, 0)'].map((name) =>
  fileBytes(numpy.read[name]?.file ?? ''),
);
const archives = Object.values(numpy.archives).map(({ file }) => fileBytes(file));
const saved = [torch.tensors.layouts?.file, torch.checkpoint.file, torch.nested, torch.plain[4]].map((file) =>
  fileBytes(file ?? ''),
);

const tensors = [
  encode(
    {
      exact: { dtype: 'float64', shape: [2], data: Float64Array.of(Math.PI, Number.NaN) },
      long: { dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(-1n) },
      truth: { dtype: 'bool', shape: [3], data: Uint8Array.of(0, 1, 1) },
    },
    { format: 'chainrule' },
  ),
];

/** The entries of a file of torch.save by name. */
async function entriesOf(file: Uint8Array): Promise<Map<string, Uint8Array>> {
  return await withFile(file, async (opened) => {
    const entries = new Map<string, Uint8Array>();
    for (const [name, source] of await zipEntries(opened)) {
      const bytes = new Uint8Array(source.size);
      await source.readInto(bytes);
      entries.set(name, bytes);
    }
    return entries;
  });
}

/** The elements of the state dict in a file of torch.save, each tensor as it is stored. */
const readStateDict: Reader = async (file) =>
  await withFile(file, async (opened) => {
    const { tensors } = await storedInTorch(opened);
    const read = [];
    for (const [name, tensor] of tensors) read.push([name, await tensor.read()]);
    return read;
  });

const torchReaders: readonly Reader[] = [io.readTorch, readStateDict];

describe('a file that is cut short or has another byte is read or refused, and nothing else', () => {
  it.each<[string, readonly Uint8Array[], readonly Reader[], number]>([
    ['numpy.save', arrays, [io.readNpy], 19],
    ['numpy.savez', archives, [io.readNpz], 97],
    ['torch.save', saved, torchReaders, 397],
    ['safetensors', tensors, [io.readSafetensors], 37],
  ])('of %s', async (_, files, readers, every) => {
    const path = join(folder(), 'x');
    for (const file of files) {
      const cut = await readDamaged(path, truncations(file, everySo(every)), ...readers);
      expect(cut.read).toBe(0);
      await readDamaged(path, inversions(file, everySo(every)), ...readers);
    }
  });

  it('of torch.save, in a pickle with a right checksum', async () => {
    const path = join(folder(), 'x');
    for (const file of saved) {
      const { pickle, archive } = await withPickles(file);
      const cut = await readDamaged(path, archive(truncations(pickle, everySo(97))), ...torchReaders);
      expect(cut.read).toBe(0);
      await readDamaged(path, archive(inversions(pickle, everySo(97))), ...torchReaders);
    }
  });
});

/** The pickle of a file of torch.save, and what makes archives with others in its place. */
async function withPickles(file: Uint8Array) {
  const { 'archive/data.pkl': pickle = new Uint8Array(0), ...others } = Object.fromEntries(
    await entriesOf(file),
  );
  function* archive(pickles: Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const data of pickles) {
      const entries = Object.entries({ 'archive/data.pkl': data, ...others });
      yield forge(entries.map(([name, bytes]) => ({ name, data: bytes })));
    }
  }
  return { pickle, archive };
}

describe.each(SEEDS)('a file with random damage is read or refused, and nothing else (seed %i)', (seed) => {
  /** Some damage is not seen, or does not matter; if none passed, little would have been tried. */
  const expectBoth = ({ read, refused }: Outcomes) => expect(Math.min(read, refused)).toBeGreaterThan(0);

  it('of numpy.save', async () => {
    expectBoth(await readDamaged(join(folder(), 'x'), mutations(arrays, RUNS, seed), io.readNpy));
  });

  it('of safetensors', async () => {
    const path = join(folder(), 'x');
    expectBoth(await readDamaged(path, mutations(tensors, RUNS / 2, seed), io.readSafetensors));
  });

  // Half of these have right checksums, so that what these protect is tried as well.
  it('of numpy.savez', async () => {
    function* files() {
      for (const data of mutations(arrays, RUNS / 2, 10 + seed))
        yield forge([{ name: 'a.npy', data, method: data.length % 2 === 0 ? 0 : 8 }]);
    }
    await readDamaged(join(folder(), 'x'), mutations(archives, RUNS / 2, seed), io.readNpz);
    expectBoth(await readDamaged(join(folder(), 'x'), files(), io.readNpz));
  });

  it('of torch.save', async () => {
    await readDamaged(join(folder(), 'x'), mutations(saved, RUNS / 2, seed), ...torchReaders);
    const outcomes = { read: 0, refused: 0 };
    for (const [i, file] of saved.entries()) {
      const { pickle, archive } = await withPickles(file);
      const files = archive(mutations([pickle], RUNS / 2 / saved.length, 10 * seed + i));
      const { read, refused } = await readDamaged(join(folder(), 'x'), files, ...torchReaders);
      outcomes.read += read;
      outcomes.refused += refused;
    }
    expectBoth(outcomes);
  });
});
