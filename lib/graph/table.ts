import type { OpRecord } from './op.js';
import * as along from './ops/along.js';
import * as broadcast from './ops/broadcast.js';
import * as conv from './ops/conv.js';
import * as cumulative from './ops/cumulative.js';
import * as customGradient from './ops/custom-gradient.js';
import * as elementwise from './ops/elementwise.js';
import * as flip from './ops/flip.js';
import * as gather from './ops/gather.js';
import * as identity from './ops/identity.js';
import * as leaf from './ops/leaf.js';
import * as matmul from './ops/matmul.js';
import * as movement from './ops/movement.js';
import * as pool from './ops/pool.js';
import * as random from './ops/random.js';
import * as reduce from './ops/reduce.js';
import * as scan from './ops/scan-op.js';
import * as solve from './ops/solve.js';
import * as sort from './ops/sort.js';
import * as stopGradient from './ops/stop-gradient.js';

type RecordNames<M> = { [K in keyof M]: K extends `${string}Op` ? K : never }[keyof M];

const families = {
  ...pick(leaf),
  ...pick(elementwise),
  ...pick(broadcast),
  ...pick(reduce),
  ...pick(movement),
  ...pick(matmul),
  ...pick(conv),
  ...pick(pool),
  ...pick(gather),
  ...pick(along),
  ...pick(cumulative),
  ...pick(flip),
  ...pick(solve),
  ...pick(sort),
  ...pick(random),
  ...pick(scan),
  ...pick(stopGradient),
  ...pick(identity),
  ...pick(customGradient),
};

function pick<M extends object>(module: M): Pick<M, RecordNames<M>> {
  const records = Object.entries(module).filter(([name]) => name.endsWith('Op'));
  return Object.fromEntries(records) as Pick<M, RecordNames<M>>;
}

/** Every op of the project by its kind. An export `xxxOp` that is not a whole record does not compile. */
export const ops: ReadonlyMap<string, OpRecord> = new Map(
  Object.values(families satisfies Record<string, OpRecord<never>> as Record<string, OpRecord>).map(
    (record) => [record.kind, record],
  ),
);
