// Counts how often each block of the library's code runs for graphs of one size and of twice that size, and prints the
// blocks whose count grows faster than the graph. The counts are exact, and do not depend on time.
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const [nodes, ...names] = process.argv.slice(2);
const size = Number(nodes);

/** Twice, and something more for logarithms; four times is the square. */
const MOST_GROWTH = 2.7;

/** What runs less often than this for each node may have a bound that is not reached yet. */
const FEW = 10;

/** Files of the search that is made below a number of blocks alone: `MOST_BLOCKS` in `tighten.ts`. */
const bounded = ['lib/compile/arena/first-fit.js', 'lib/compile/arena/climb.js'];

const session = new Session();
session.connect();

/**
 * @param {string} method
 * @param {object} [parameters]
 * @returns {any} the answer, which comes at once within a process
 */
function post(method, parameters = {}) {
  let answer;
  session.post(method, parameters, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer;
}

post('Profiler.enable');
// Before the library is loaded, since compiled code is not counted block by block.
post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const { graphKinds } = await load('bench/graphs/kinds.js');
const { compileGraph } = await load('lib/compile/compile.js');
const { printPlan } = await load('lib/compile/plan/print.js');
const { encodePlan } = await load('lib/runtime/encode.js');
const { nativeKernels } = await load('lib/runtime/native-kernels.js');

/**
 * How often each block runs, by its place in the sources.
 *
 * @param {{ build(nodes: number): object }} kind
 * @param {number} count
 * @returns {Map<string, number>}
 */
function countBlocks(kind, count) {
  post('Profiler.takePreciseCoverage');
  const { plan } = compileGraph(kind.build(count), nativeKernels);
  encodePlan(plan);
  printPlan(plan);
  const counts = new Map();
  for (const { url, functions } of post('Profiler.takePreciseCoverage').result) {
    const file = url.slice(url.indexOf('/dist/lib/') + '/dist/'.length);
    if (!url.includes('/dist/lib/') || bounded.includes(file)) continue;
    for (const { functionName, ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges)
        counts.set(`${file} ${functionName} ${startOffset} to ${endOffset}`, count);
    }
  }
  return counts;
}

/** @type {string[]} */
const kinds = [];
/** @type {string[]} */
const faults = [];
for (const kind of graphKinds) {
  if (names.length > 0 && !names.includes(kind.name)) continue;
  kinds.push(kind.name);
  const [once, twice] = [countBlocks(kind, size), countBlocks(kind, 2 * size)];
  for (const [block, count] of twice) {
    const before = once.get(block) ?? 0;
    if (count > FEW * size && count > MOST_GROWTH * before)
      faults.push(`${kind.name}: ${before}, then ${count} times ${block}`);
  }
}
console.log(JSON.stringify({ kinds, faults }));
