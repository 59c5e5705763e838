import { fileURLToPath } from 'node:url';
import { compiledModule } from '../../lib/runtime/package-root.js';
import { outputOf } from '../memory/ask.js';
import { graphKinds } from './kinds.js';

/** What a graph took, in seconds of processor time of all threads. */
export interface GraphResult {
  readonly kind: string;
  /** The number that the graph was asked to have. */
  readonly nodes: number;
  readonly steps: number;
  /** To build the graph, with its gradients. */
  readonly trace: number;
  readonly compile: number;
  /** To load the plan into the addon. */
  readonly load: number;
  /** The first run. Includes initial values of parameters, each of which is a graph of its own. */
  readonly run: number;
  /** The most memory that the process had, in bytes. */
  readonly memory: number;
  /** The arena by the live bytes at their peak, which no arena can be smaller than. */
  readonly arena: number;
}

/** Numbers of nodes of the figure. */
export const graphSizes = [1000, 3000, 10_000, 30_000, 100_000] as const;

/** Traces, compiles, loads and runs graphs of each kind and size, each of them in a process of its own. */
export async function* measureGraphs(sizes: readonly number[] = graphSizes): AsyncGenerator<GraphResult> {
  for (const { name } of graphKinds) for (const nodes of sizes) yield await measureGraph(name, nodes);
}

/** Measures one graph, in a process of its own. */
export async function measureGraph(kind: string, nodes: number): Promise<GraphResult> {
  const script = fileURLToPath(compiledModule('bench/graphs/process.js'));
  return JSON.parse(await outputOf(process.execPath, [script, kind, String(nodes)]));
}
