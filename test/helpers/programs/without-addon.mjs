// Makes, prints and counts models, which needs no addon; then prints the errors of what does need it.
import { compile, nn, tensor, zeros } from '../../../dist/lib/published/index.js';

/** @typedef {import('chainrule').Tensor} Tensor */

const convolutional = new nn.Sequential(
  new nn.Conv2d(1, 4, 3),
  new nn.BatchNorm2d(4),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(4 * 13 * 13, 10),
);
const transformer = new nn.Sequential(new nn.TransformerEncoderLayer(16, 4));

/** @param {Tensor} root @returns {Set<Tensor>} */
function nodesOf(root, found = new Set()) {
  if (found.has(root)) return found;
  for (const node of root.inputs) nodesOf(node, found);
  return found.add(root);
}

/** @param {nn.Sequential} model @param {Tensor} input */
function describe(model, input) {
  const parameters = model.parameters();
  console.log(model);
  console.log(`parameters: ${parameters.reduce((sum, { size }) => sum + size, 0)}`);
  for (const node of nodesOf(model.forward(input))) console.log(`${node}`);
}

describe(convolutional, zeros([2, 28, 28, 1]));
describe(transformer, zeros([2, 8, 16]));

/** @param {() => unknown} fn */
async function errorOf(fn) {
  try {
    await fn();
    return 'none';
  } catch (error) {
    return String(error);
  }
}

const double = compile((/** @type {Tensor} */ x) => x.mul(2));
const errors = [
  await errorOf(() => double(tensor([1]))),
  await errorOf(() => double(tensor([1]))),
  await errorOf(() => tensor([1]).exp().data()),
  await errorOf(() => convolutional.init(1)),
];
console.log(`errors: ${JSON.stringify(errors)}`);
