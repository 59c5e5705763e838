import { execFile } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { data, nn, optim, Trainer } from 'chainrule';
import { afterAll, describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { hashIntegers } from '../helpers/random-graph/random.js';
import { collect } from '../helpers/training.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-changing-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 20;
const SIZE = 48;
const pixels = Uint8Array.from(hashIntegers(COUNT * SIZE, 1, 256));
const labels = Int32Array.from(hashIntegers(COUNT, 3, 3));

let files = 0;
/** A new file of the pixels, which was last changed long ago, so that any change shows. */
function write(): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, pixels);
  utimesSync(path, 1e9, 1e9);
  return path;
}

const open = (path: string) => data.mapFile(path, { dtype: 'uint8', shape: [4, 4, 3] });
const identity = new URL('../helpers/programs/decode-sample.mjs', import.meta.url);

/** Ways to read the samples of a field. */
const reads: Readonly<Record<string, (field: data.MappedField) => unknown>> = {
  batches: (field) => [...data.batches(data.fromArrays(field, labels), { batchSize: 6 })],
  transforms: (field) => [
    ...data.batches(data.fromArrays(field, labels).transform([data.flip(), data.noise({ std: 0.1 })]), {
      batchSize: 6,
    }),
  ],
  'a copy in memory': (field) => data.fromArrays(field, labels).subset([2, 3, 19]),
};

describe.each(Object.entries(reads))('a file that is read for %s', (_, read) => {
  const cases: readonly (readonly [string, (path: string) => void, (path: string) => string])[] = [
    [
      'is cut short',
      (path) => truncateSync(path, 100),
      (path) =>
        `${path}: the file is cut short: for row 2, 48 bytes are needed from byte 96 on, but it has 100`,
    ],
    [
      'is cut short and grows again',
      (path) => {
        truncateSync(path, 100);
        truncateSync(path, pixels.length);
      },
      (path) =>
        `${path}: the file has changed since it was opened, or another one has taken its place; it has 960 bytes`,
    ],
    [
      'grows',
      (path) => appendFileSync(path, 'more'),
      (path) =>
        `${path}: the file has changed since it was opened, or another one has taken its place; it has 964 bytes`,
    ],
  ];

  it.each(cases)('is an error when it %s', (_name, change, message) => {
    const path = write();
    const field = open(path);
    read(field);
    change(path);
    expect(() => read(field)).toThrow(message(path));
    // Also of samples taken later from the same field.
    expect(() => read(field.take(COUNT))).toThrow(path);
  });

  it('may be deleted while it is open', () => {
    const path = write();
    const field = open(path);
    rmSync(path);
    read(field);
  });
});

describe('workers in training', () => {
  const trainerOf = () =>
    new Trainer(new nn.Sequential(new nn.Flatten(), new nn.Linear(SIZE, 3)), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 1e-3 }),
      workers: 2,
      shards: 2,
    });
  const floats = data.normalize({ mean: 0.5, std: 0.2 });

  it('do not open another file that has taken the place', async () => {
    const path = write();
    const set = data.fromArrays(open(path), labels).transform([floats]);
    await collect(trainerOf().fit(set, { batchSize: 6 }));
    const other = write();
    renameSync(other, path);
    const error = await failure(collect(trainerOf().fit(set, { batchSize: 6 })));
    expect(error.message).toContain(
      `${path}: the file has changed since it was opened, or another one has taken`,
    );
  });

  it.each([
    [
      'fit',
      (trainer: Trainer, set: data.Dataset) => collect(trainer.fit(set, { batchSize: 6, epochs: 100 })),
    ],
    [
      'validation',
      (trainer: Trainer, set: data.Dataset) =>
        collect(
          trainer.fit(data.fromArrays(pixels, labels, { inputs: { shape: [4, 4, 3] } }).transform([floats]), {
            batchSize: 6,
            epochs: 100,
            validation: set,
          }),
        ),
    ],
  ])('end %s with an error when a file is cut short between two epochs', async (_, train) => {
    const path = write();
    const set = data.fromArrays(open(path), labels).transform([floats]);
    const trainer = trainerOf();
    const running = failure(train(trainer, set));
    for await (const { epoch } of trainer.progress()) {
      if (epoch < 2) continue;
      truncateSync(path, 100);
      break;
    }
    expect((await running).message).toContain(`${path}: the file is cut short`);
  });
});

it('a module that reads samples one by one gets the error, too', async () => {
  const path = write();
  const field = open(path);
  const set = data.fromArrays(field, labels).transform([data.custom(identity)]);
  truncateSync(path, 100);
  const read = async () => {
    for await (const _ of data.batches(set, { batchSize: 6 }));
  };
  expect((await failure(read())).message).toContain(`${path}: the file is cut short`);
});

it('a file that another process keeps cutting short is read as it was, or an error', async () => {
  const path = write();
  const script = join(import.meta.dirname, '../helpers/programs/read-changing.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, path, '200']);
  const { read, refused } = JSON.parse(stdout) as { read: number; refused: number };
  expect(read + refused).toBeGreaterThanOrEqual(200);
  expect(refused).toBeGreaterThan(0);
});
