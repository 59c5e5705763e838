import { benchCommand } from '../lib/cli/bench-command.js';
import { run } from '../lib/cli/run.js';
import { startPeers } from './peers/peer.js';

// `npm run bench`: the command `chainrule bench` with the peers, which are not published.
await run(benchCommand(startPeers));
