import { benchCommand } from '../lib/cli/bench-command.js';
import { run } from '../lib/cli/run.js';
import { startKernelPeer } from './peers/kernel-peer.js';
import { startPeers, startPredictingPeers } from './peers/peer.js';
import { rowsCommand } from './rows/command.js';
import { speedrunCommand } from './speedrun/command.js';
import { transferCommand } from './transfer/command.js';

// `npm run bench`: the command `chainrule bench` with the peers and measurements that are not published.
const bench = benchCommand(startPeers, startKernelPeer);
bench.addCommand(rowsCommand(startPredictingPeers));
bench.addCommand(speedrunCommand());
bench.addCommand(transferCommand());
await run(bench);
