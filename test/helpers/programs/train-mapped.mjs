// Trains an epoch on a file that it writes first, or reads that into memory, from within a cgroup.
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { compile, data, nn, optim, Trainer, tensor } from '../../../dist/lib/published/index.js';

const [join, path, rows, mode] = /** @type {[string, string, string, string]} */ (process.argv.slice(2));
writeFileSync(join, String(process.pid));

const ROW = 4096;
const BLOCK = 2048;

/** A model that gives its input's first number times 1. */
class First extends nn.Module {
  factor = new nn.Parameter([1], { init: nn.init.ones });

  /** @param {import('chainrule').Tensor} x @override */
  forward(x) {
    return x.slice([[], [0, 1]]).mul(this.factor);
  }
}

if (mode === 'write') {
  const file = openSync(path, 'w');
  const block = new Uint8Array(BLOCK * ROW);
  for (let start = 0; start < Number(rows); start += BLOCK) {
    for (let i = 0; i < BLOCK; i++) block[i * ROW] = (start + i) % 251;
    writeSync(file, block);
    fsyncSync(file);
  }
  closeSync(file);
} else if (mode === 'read') {
  console.log(readFileSync(path).length);
} else {
  const inputs = data.mapFile(path, { dtype: 'uint8', shape: [ROW] });
  const set = data.fromArrays(inputs, new Float32Array(Number(rows)), { targets: { shape: [1] } });
  const options = { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 1e-30 }), workers: 2, shards: 2 };
  const trainer = new Trainer(new First(), options);
  // The last batch is smaller, so that its plans are made when the pages of the file fill the memory.
  for await (const { loss } of trainer.fit(set, { batchSize: 250, validation: set.take(1000) })) {
    const prediction = await trainer.predict(tensor(new Float32Array(ROW), { shape: [1, ROW] }));
    const half = new Trainer(new First(), { ...options, memory: 'auto' }).maxBatch(set);
    const refused = compileWithin('1GB');
    console.log(JSON.stringify({ loss, predicted: prediction.shape, half, refused }));
  }
}

/** @param {string} memory */
function compileWithin(memory) {
  try {
    compile((/** @type {import('chainrule').Tensor} */ x) => x, { memory });
    return 'no';
  } catch (error) {
    return String(error);
  }
}
