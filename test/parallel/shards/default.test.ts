import { dataParallel, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { withCores } from '#bench/stand-in-cores.js';
import { usableCores } from '#lib/parallel/prepare/cores.js';
import { cutInto, defaultShards } from '#lib/parallel/prepare/default-shards.js';
import { useFolder } from '../../helpers/folder.js';
import { LONG } from '../../helpers/long.js';
import { hashOf } from '../../helpers/runs.js';
import { collect, type Dataset, mlp, noise, points, threads } from '../../helpers/training.js';

const folder = useFolder();
const options = () => ({ loss: nn.crossEntropy, optimizer: optim.adam(), seed: 1 });

/** A model of which a step on 64 samples takes 8 shards. */
const FEATURES = 1024;
const large = () => mlp(FEATURES, 3, 1700);
const samples = (length: number) => points(length, { features: FEATURES });

interface Result {
  readonly hash: string;
  readonly line: string | undefined;
}

/** Refuses fewer rows than a number. */
class AtLeast extends nn.Module {
  constructor(private readonly rows: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    if ((x.shape[0] ?? 0) < this.rows) throw new Error(`${x.shape[0]} rows are too few`);
    return x;
  }
}

describe('the number of shards', () => {
  it.each([
    [128, 3.9e6, 1],
    [128, 4e6, 2],
    [128, 1.99e8, 2],
    [128, 2e8, 4],
    [128, 4e8, 8],
    [128, 1e12, 16],
    [1023, 1e12, 31],
    [1024, 1e12, 32],
    [1024, 1e9, 16],
    [1e5, 1e12, 50],
    [2500, 1e12, 50],
    [4099, 1e12, 64],
    [1, 1e12, 1],
    [6, 1e12, 6],
    [15, 1e12, 15],
    [97, 1e12, 16],
    [100, 1e12, 20],
    [50, 1e12, 25],
    [45, 5e6, 3],
  ])('follows from rows and operations: %i rows, %f operations', (rows, flops, shards) => {
    expect(defaultShards(rows, flops)).toBe(shards);
  });

  it('is halved for as long as it is refused, and an error is that of one shard', () => {
    const tried: number[] = [];
    const upTo = (most: number) => (shards: number) => {
      tried.push(shards);
      if (shards > most) throw new Error(`${shards} are too many`);
      return shards;
    };
    expect(cutInto(16, upTo(4))).toBe(4);
    expect(tried).toEqual([16, 8, 4]);
    expect(() => cutInto(4, upTo(0))).toThrow('1 are too many');
  });

  it('is the same for a process on 1, 2, 4 and 64 cores, as are the weights', async () => {
    const run = async (cores: number, model: nn.Module, data: Dataset) => {
      const lines: string[] = [];
      const settings = { ...options(), log: (line: string) => lines.push(line) };
      const trainer = withCores(cores, () => new Trainer(model, settings));
      await collect(trainer.fit(data, { batchSize: 64 }));
      return { hash: hashOf(trainer.model), line: lines[0]?.split(',').slice(0, 2).join() };
    };
    const [ofSmall, ofLarge] = [[], []] as [Result[], Result[]];
    const counts = LONG ? [1, 2, 4, 64] : [1, 64];
    for (const cores of counts) {
      ofSmall.push(await run(cores, mlp(), points(96)));
      ofLarge.push(await run(cores, large(), samples(96)));
    }
    for (const results of [ofSmall, ofLarge]) expect(new Set(results.map(({ hash }) => hash)).size).toBe(1);
    expect(ofSmall.map(({ line }) => line)).toEqual(counts.map(() => 'fit: 1 worker, 1 shard'));
    // A cgroup may grant fewer than the process sees.
    const workers = counts.map((affinity) => Math.min(8, usableCores({ affinity }).cores));
    expect(ofLarge.map(({ line }) => line)).toEqual(
      workers.map((count) => `fit: ${count} worker${count === 1 ? '' : 's'}, 8 shards`),
    );
  });

  it('leaves each shard the rows that the model needs', async () => {
    const needing = (rows: number) =>
      new Trainer(new nn.Sequential(new AtLeast(rows), large()), { ...options(), workers: 3 });
    expect(needing(8).plan(samples(64), { batchSize: 64 }).shards).toBe(8);
    expect(needing(12).plan(samples(64), { batchSize: 64 }).shards).toBe(4);
    await collect(needing(12).fit(samples(64), { batchSize: 64 }));
    expect(() => needing(65).plan(samples(64), { batchSize: 64 })).toThrow('64 rows are too few');
  });

  it('is that of the run for one that is resumed, and another one is refused', async () => {
    const train = async (dir: string, epochs: number, shards?: number) => {
      const trainer = new Trainer(mlp(), { ...options(), ...(shards ? { shards } : {}) });
      await collect(trainer.fit(points(40), { batchSize: 16, epochs, checkpoint: { dir } }));
      return hashOf(trainer.model);
    };
    const [whole, parts] = [folder(), folder()];
    await train(parts, 1, 3);
    await expect(train(parts, 2, 1)).rejects.toThrow('shards: 3 in the checkpoint, 1 given');
    expect(await train(parts, 2)).toBe(await train(whole, 2, 3));
  });
});

describe('a data-parallel function without shards', () => {
  const inputs = noise(80 * FEATURES, 3);
  const labels = Int32Array.from({ length: 80 }, (_, i) => i % 3);

  /** Takes steps on ranges of samples, with a function that refuses fewer than `least`. */
  async function run(
    given: { readonly workers: number; readonly shards?: number },
    least = 1,
    ranges: readonly (readonly [first: number, end: number])[] = [
      [0, 64],
      [64, 80],
    ],
  ) {
    const model = new nn.Sequential(new AtLeast(least), large()).init(1);
    const optimizer = optim.adam();
    const step = dataParallel((x: Tensor, y: Tensor) => {
      const loss = nn.crossEntropy(model.forward(x), y);
      const parameters = model.parameters();
      optimizer.step(parameters, grad(loss, parameters));
      return loss;
    }, given);
    for (const [first, end] of ranges) {
      const shape = [end - first, FEATURES];
      const x = tensor(inputs.subarray(FEATURES * first, FEATURES * end), { shape });
      await step(x, tensor(labels.subarray(first, end)));
    }
    await step.close();
    return hashOf(model);
  }

  it('has those of its first call, whatever its workers', async () => {
    const expected = await run({ workers: 2, shards: 8 });
    expect(await run({ workers: 1 })).toBe(expected);
    expect(await run({ workers: 3 })).toBe(expected);
    expect(await run({ workers: 2, shards: 2 })).not.toBe(expected);
  });

  it('starts no more threads than it has shards', async () => {
    const double = withCores(5, () => dataParallel((x: Tensor) => x.mul(2), {}));
    const before = threads();
    expect((await double(tensor([1, 2, 3]))).shape).toEqual([3]);
    expect(threads()).toBe(before + 1);
    await double.close();
  });

  it('has fewer where the function refuses the rows of a shard', async () => {
    const whole = [[0, 64]] as const;
    expect(await run({ workers: 2 }, 12, whole)).toBe(await run({ workers: 2, shards: 4 }, 1, whole));
  });
});
