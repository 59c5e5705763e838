import { fileURLToPath } from 'node:url';
import type { Peer, StartPeers } from '../../lib/bench/peer.js';
import { packageRoot } from '../../lib/runtime/package-root.js';
import { type PeerProgram, ProcessPeer } from './process-peer.js';

// In the source tree: the build copies TypeScript only.
const folder = new URL('bench/peers/', packageRoot);

const libraries = [
  { name: 'PyTorch', script: 'pytorch_peer.py', install: 'torch==2.13.0' },
  { name: 'JAX', script: 'jax_peer.py', install: 'jax' },
] as const;

/** The program that runs a script of this folder in Python, on `threads` threads. */
export function pythonProgram(name: string, script: string, threads: number): PeerProgram {
  return {
    name,
    command: process.env.CHAINRULE_PYTHON ?? 'python3',
    args: [fileURLToPath(new URL(script, folder)), String(threads)],
    env: { OMP_NUM_THREADS: String(threads) },
  };
}

/** Starts PyTorch and JAX, if installed, and remarks how to install them otherwise. */
export const startPeers: StartPeers = async (threads, remark) => {
  const peers: Peer[] = [];
  for (const { name, script, install } of libraries) {
    const peer = await ProcessPeer.start(pythonProgram(name, script, threads));
    if (peer) peers.push(peer);
    else remark(hint(name, install));
  }
  if (peers.length > 0) remark(`compared with ${peers.map(({ version }) => version).join(' and ')}`);
  return peers;
};

function hint(name: string, install: string): string {
  return (
    `${name} is skipped, because it is not there: python3 -m venv .venv && PIP_RETRIES=0 .venv/bin/pip install ` +
    `${install}, then CHAINRULE_PYTHON=.venv/bin/python`
  );
}
