// A program of a user: trains XOR on two workers, and fails unless it has learnt it. It is copied to where chainrule is
// installed.
import * as chainrule from 'chainrule';

const { data, nn, optim, Trainer } = chainrule;
const xor = data.fromArrays(
  [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  [0, 1, 1, 0],
);
const trainer = new Trainer(new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2)), {
  loss: nn.crossEntropy,
  optimizer: optim.adam({ lr: 0.1 }),
  workers: 2,
});
let loss = 1;
for await (const epoch of trainer.fit(xor, { epochs: 100, batchSize: 4 })) loss = epoch.loss;
if (!(loss < 0.1)) throw new Error(`training ends with a loss of ${loss}`);
console.log(`XOR is learnt: loss ${loss.toFixed(5)}, Node.js ${process.versions.node}`);
