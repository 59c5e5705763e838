import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

/** Calls a function in a process that may use so many cores, as far as it can see. */
export function withCores<R>(cores: number, fn: () => R): R {
  const { availableParallelism } = os;
  const use = (stand: () => number) => {
    os.availableParallelism = stand;
    syncBuiltinESMExports();
  };
  try {
    use(() => cores);
    return fn();
  } finally {
    use(availableParallelism);
  }
}
