import { fileURLToPath } from 'node:url';
import type { Peer, StartPeers } from '../../lib/bench/peer.js';
import { packageRoot } from '../../lib/runtime/package-root.js';
import { enumerate } from '../../lib/text/names.js';
import { ensureNpmPackages } from './npm-packages.js';
import { OnnxPeer } from './onnx-peer.js';
import { type PeerProgram, ProcessPeer } from './process-peer.js';

// In the source tree: the build copies TypeScript only.
const folder = new URL('bench/peers/', packageRoot);

const libraries = {
  PyTorch: { script: 'pytorch_peer.py', install: 'torch==2.13.0' },
  JAX: { script: 'jax_peer.py', install: 'jax' },
} as const;

/** The program that runs a script of this folder in Python, on `threads` threads. */
export function pythonProgram(name: string, script: string, threads: number): PeerProgram {
  return {
    name,
    command: process.env.CHAINRULE_PYTHON ?? 'python3',
    args: [fileURLToPath(new URL(script, folder)), String(threads)],
    env: { OMP_NUM_THREADS: String(threads) },
  };
}

type StartPeer = (...given: Parameters<StartPeers>) => Promise<Peer | null>;

const python = [startPython('PyTorch'), startPython('JAX')];

/** Those that have one thread in Node.js, whatever is asked for. */
const nodeOnly = [
  startNode({ name: 'TensorFlow.js', home: 'tfjs', only: 1 }),
  startNode({ name: 'jax-js', home: 'jax-js', only: 1 }),
];

/** Starts PyTorch and JAX, if installed, and remarks how to install them otherwise. */
export const startPythonPeers: StartPeers = starter(python);

/** Starts the peers that train: those of Python, and TensorFlow.js and jax-js, which are installed if need be. */
export const startPeers: StartPeers = starter([...python, ...nodeOnly]);

/** Starts PyTorch and ONNX Runtime, which only predicts, as `startPeers` does. */
export const startPredictingPeers: StartPeers = starter([startPython('PyTorch'), startOnnxRuntime]);

function starter(starts: readonly StartPeer[]): StartPeers {
  return async (threads, remark) => {
    const peers: Peer[] = [];
    for (const start of starts) {
      const peer = await start(threads, remark);
      if (peer) peers.push(peer);
    }
    if (peers.length > 0) remark(`compared with ${enumerate(peers.map(({ version }) => version))}`);
    return peers;
  };
}

/** Starts a library for Python, by its usual script or another one of this folder. */
export function startPython(name: keyof typeof libraries, script: string = libraries[name].script) {
  const { install } = libraries[name];
  return async (threads: number, remark: (line: string) => void): Promise<ProcessPeer | null> => {
    const peer = await ProcessPeer.start(pythonProgram(name, script, threads));
    if (!peer) remark(hint(name, install));
    return peer;
  };
}

async function startOnnxRuntime(threads: number, remark: (line: string) => void): Promise<Peer | null> {
  const peer = await startNode({ name: 'ONNX Runtime', home: 'onnxruntime' })(threads, remark);
  return peer && new OnnxPeer(peer);
}

/**
 * Starts a peer that runs in Node.js, after its npm packages are installed, out of the sight of other tools.
 *
 * @param program.home its folder
 * @param program.only the threads that it has, whatever is asked for
 */
function startNode({ name, home, only }: { name: string; home: string; only?: number }): StartPeer {
  return async (threads, remark) => {
    const packages = new URL(`build/peers/${home}/package.json`, packageRoot);
    if (!(await ensureNpmPackages(new URL(`${home}/package.json`, folder), packages, remark))) return null;
    const script = fileURLToPath(new URL(`${home}/peer.mjs`, folder));
    const args = [script, String(only ?? threads), fileURLToPath(packages)];
    const program = { name, command: process.execPath, args, ...(only ? { threads: only } : {}) };
    const peer = await ProcessPeer.start(program);
    if (!peer) remark(`${name} is skipped, because it does not start`);
    return peer;
  };
}

function hint(name: string, install: string): string {
  return (
    `${name} is skipped, because it is not there: python3 -m venv .venv && PIP_RETRIES=0 .venv/bin/pip install ` +
    `${install}, then CHAINRULE_PYTHON=.venv/bin/python`
  );
}
