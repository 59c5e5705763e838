// One graph in its own process: its kind and size are the arguments, and what it took goes to standard output.
import { compileGraph } from '../../lib/compile/compile.js';
import { peakOf } from '../../lib/compile/liveness/live-bytes.js';
import { allocate } from '../../lib/graph/dtype.js';
import { sizeOf } from '../../lib/graph/shapes.js';
import { bind } from '../../lib/runtime/bind.js';
import { Executable } from '../../lib/runtime/executable.js';
import { nativeKernels } from '../../lib/runtime/native-kernels.js';
import { graphKinds } from './kinds.js';
import type { GraphResult } from './measure.js';

const [name, size] = process.argv.slice(2);
const kind = graphKinds.find((one) => one.name === name);
if (!kind)
  throw new Error(`there is no kind ${name}; there are ${graphKinds.map((one) => one.name).join(', ')}`);
const nodes = Number(size);

let last = 0;
/** The processor time since the last call, in seconds. */
function lap(): number {
  const { user, system } = process.cpuUsage();
  const elapsed = (user + system) / 1e6 - last;
  last += elapsed;
  return elapsed;
}

// What a process does once, such as compiling this library's code.
compileGraph(kind.build(200), nativeKernels);
lap();
const graph = kind.build(nodes);
const trace = lap();
const compiled = compileGraph(graph, nativeKernels);
const compile = lap();
const executable = new Executable(compiled.plan);
const load = lap();
const values = graph.inputs.map(({ dtype, shape }) => allocate(dtype, sizeOf(shape)));
executable.run(bind(compiled, values, graph.outputs).bindings, { seed: 0, step: 0 });
const run = lap();
const { steps, blocks, arenaBytes } = compiled.plan;
const result: GraphResult = {
  kind: kind.name,
  nodes,
  steps: steps.length,
  trace,
  compile,
  load,
  run,
  memory: 1024 * process.resourceUsage().maxRSS,
  arena: arenaBytes / Math.max(1, peakOf(blocks, steps.length)),
};
console.log(JSON.stringify(result));
