// Prints the number of workers of a trainer, and fits once, which logs its choice to stderr if NODE_DEBUG asks for it.
import { data, nn, optim, Trainer } from '../../../dist/lib/published/index.js';

const trainer = new Trainer(new nn.Linear(4, 3), { loss: nn.crossEntropy, optimizer: optim.adam() });
const samples = data.fromArrays(new Float32Array(16), Int32Array.of(0, 1, 2, 0), { inputs: { shape: [4] } });
for await (const _ of trainer.fit(samples));
console.log(trainer.workers);
