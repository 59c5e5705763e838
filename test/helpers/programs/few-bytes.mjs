// Limits the data of its own process to little more than it has, and computes a product on a thread that has computed
// none before: prints what the error was, and the result without the limit.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { matmul } from 'chainrule';
import { compileGraph } from '#lib/compile/compile.js';
import { input } from '#lib/graph/leaf.js';
import { Executable } from '#lib/runtime/executable.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const limit = (/** @type {string | number} */ bytes) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--data=${bytes}:`]);
const x = input('x', [1, 1], 'float32');
const { plan } = compileGraph({ inputs: [x], outputs: [matmul(x, x)] }, nativeKernels);
const executable = new Executable(plan);
const arrays = plan.bindings.map(({ kind }) => Float32Array.of(kind === 'input' ? 3 : 0));
const random = { seed: 0, step: 0 };
limit('unlimited');
const kilobytes = Number(/^VmData:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
limit(1024 * kilobytes + 100e6);
let error = '';
try {
  executable.run(arrays, random);
} catch (thrown) {
  error = String(thrown);
}
limit('unlimited');
executable.run(arrays, random);
console.log(JSON.stringify({ error, values: arrays.map(([value]) => value) }));
