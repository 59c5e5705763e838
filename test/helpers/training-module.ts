import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { library } from './command-line.js';

/**
 * Writes a module for `chainrule train` and its kin into a folder: ten samples of six zeros, three classes, batches of 4.
 *
 * @param model the model's expression, with `nn` in scope
 * @param from where it imports the library; that of the command line by default
 * @returns its path
 */
export function writeTrainingModule(
  folder: string,
  model = 'new nn.Sequential(new nn.Linear(6, 16), new nn.ReLU(), new nn.Linear(16, 3))',
  from = library,
): string {
  const file = join(folder, 'model.mjs');
  writeFileSync(
    file,
    `import { data, nn, optim } from ${JSON.stringify(from)};
     const samples = () =>
       data.fromArrays(new Float32Array(60), new Int32Array(10), { inputs: { shape: [6] } });
     export default {
       model: () => ${model},
       loss: nn.crossEntropy,
       optimizer: () => optim.sgd({ lr: 0.1 }),
       data: async () => ({ train: samples() }),
       batchSize: 4,
     };`,
  );
  return file;
}
