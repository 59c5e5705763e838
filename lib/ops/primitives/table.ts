import * as leaf from '../../graph/leaf.js';
import type { OpRecord } from '../../graph/op.js';
import * as allReduce from './all-reduce.js';
import * as along from './along.js';
import * as attention from './attention/attention.js';
import * as broadcast from './broadcast.js';
import * as cumulative from './cumulative.js';
import * as customGradient from './custom-gradient.js';
import * as elementwise from './elementwise.js';
import * as flip from './flip.js';
import * as gather from './gather.js';
import * as identity from './identity.js';
import * as conv from './images/conv.js';
import * as pool from './images/pool.js';
import * as matmul from './matmul.js';
import * as matmulSum from './matmul-sum.js';
import * as movement from './movement.js';
import * as packed from './packed.js';
import * as random from './random.js';
import * as reduce from './reduce.js';
import * as scan from './scan/scan-op.js';
import * as solve from './solve.js';
import * as sort from './sort.js';
import * as stopGradient from './stop-gradient.js';

type RecordNames<M> = { [K in keyof M]: K extends `${string}Op` ? K : never }[keyof M];

const families = {
  ...pick(leaf),
  ...pick(elementwise),
  ...pick(broadcast),
  ...pick(reduce),
  ...pick(allReduce),
  ...pick(movement),
  ...pick(matmul),
  ...pick(matmulSum),
  ...pick(attention),
  ...pick(conv),
  ...pick(packed),
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

/** All ops by kind. An export `xxxOp` that is not a complete record does not compile. */
export const ops: ReadonlyMap<string, OpRecord> = new Map(
  Object.values(families satisfies Record<string, OpRecord<never>> as Record<string, OpRecord>).map(
    (record) => [record.kind, record],
  ),
);
