import type { KernelPeer, StartKernelPeer } from '../../lib/bench/kernels/kernel-peer.js';
import { startPython } from './peer.js';

const start = startPython('PyTorch', 'pytorch_kernels.py');

/** Starts PyTorch for single ops, if installed, and remarks how to install it otherwise. */
export const startKernelPeer: StartKernelPeer = async (threads, remark) => {
  const peer = await start(threads, remark);
  return (
    peer &&
    ({
      name: peer.name,
      version: peer.version,
      prepare: async (op) => {
        await peer.prepareAs({ ...op });
      },
      round: () => peer.round(),
      stop: () => peer.stop(),
    } satisfies KernelPeer)
  );
};
