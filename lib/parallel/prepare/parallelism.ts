import { either } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';

/** The kinds of the options that say how work is shared out to threads. */
export const parallelismKinds = {
  workers: either(kinds.integer({ min: 1, max: 256 }), kinds.oneOf('auto')),
  shards: kinds.integer({ min: 1, max: 1024 }),
  nice: kinds.integer({ min: 0, max: 19 }),
};
