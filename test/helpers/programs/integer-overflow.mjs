// A program that test/ops/integers.test.ts runs once per instruction set: prints what ops make of integers at the ends of
// their range.
import {
  compile,
  cumProd,
  cumSum,
  floorDiv,
  mod,
  prod,
  sum,
  tensor,
} from '../../../dist/lib/published/index.js';

/** @typedef {import('chainrule').Tensor} Tensor */

/** @type {{ int32: number[][], uint8: number[][], long: number[], floats: (number | string)[] }} */
const { int32, uint8, long, floats } = JSON.parse(process.argv[2] ?? '');

/** @type {Record<string, number[]>} */
const results = {};

/**
 * @param {string} name
 * @param {(...inputs: Tensor[]) => Tensor} fn
 * @param {Tensor[]} inputs
 */
async function record(name, fn, ...inputs) {
  const run = compile(fn);
  results[name] = Array.from(await (await run(...inputs)).data());
  run.release();
}

for (const [name, lists, type] of /** @type {const} */ ([
  ['int32', int32, Int32Array],
  ['uint8', uint8, Uint8Array],
])) {
  const [a, b] = /** @type {[Tensor, Tensor]} */ (lists.map((list) => tensor(type.from(list))));
  await record(`${name} add`, (x, y) => x.add(y), a, b);
  await record(`${name} sub`, (x, y) => x.sub(y), a, b);
  await record(`${name} mul`, (x, y) => x.mul(y), a, b);
  await record(`${name} neg`, (x) => x.neg(), a);
  await record(`${name} abs`, (x) => x.abs(), a);
  await record(`${name} floorDiv`, (x, y) => floorDiv(x, y), a, b);
  await record(`${name} mod`, (x, y) => mod(x, y), a, b);
  // One program: what is stored must not differ from what the next instruction reads.
  await record(`${name} chain`, (x, y) => x.mul(y).add(x).sub(y).mul(x), a, b);
  await record(`${name} compare`, (x, y) => x.add(y).gt(x.sub(y)), a, b);
  await record(`${name} float`, (x, y) => x.mul(y).to('float64'), a, b);
  await record(`${name} scalar`, (x) => x.add(100).mul(77), a);
  await record(`${name} uint8`, (x, y) => x.to('uint8').add(y.to('uint8')).to('int32'), a, b);
}
const table = tensor(Int32Array.from(long));
for (const [name, shape, axis] of /** @type {const} */ ([
  ['row', [1, long.length], 1],
  ['column', [long.length, 1], 0],
  ['columns', [long.length / 3, 3], 0],
  ['short rows', [long.length / 3, 3], 1],
  ['wide', [3, long.length / 3], 0],
])) {
  await record(`sum of a ${name}`, (x) => sum(x.reshape(shape), axis), table);
}
await record('cumSum', (x) => cumSum(x), table);
await record('cumSum of columns', (x) => cumSum(x.reshape([long.length / 3, 3]), 0), table);
await record('prod', (x) => prod(x), table);
await record('cumProd', (x) => cumProd(x), table);
const numbers = floats.map(Number);
for (const dtype of /** @type {const} */ (['float32', 'float64'])) {
  const x = tensor(numbers, { dtype });
  await record(`${dtype} to int32`, (x) => x.to('int32'), x);
  await record(`${dtype} to int32 and on`, (x) => x.to('int32').add(1), x);
  await record(`${dtype} to uint8`, (x) => x.to('uint8'), x);
}
console.log(JSON.stringify(results, (_, value) => (Object.is(value, -0) ? '-0' : value)));
