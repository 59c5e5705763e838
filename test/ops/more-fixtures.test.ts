import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import type { Fn } from '../helpers/check-op.js';
import { describeRecorded } from '../helpers/recorded.js';

const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const two = (f: (a: Tensor, b: Tensor) => Tensor): Fn => f as Fn;

const elementwise: Record<string, Fn> = {
  erf: one(cr.erf),
  expm1: one(cr.expm1),
  sinh: one(cr.sinh),
  cosh: one(cr.cosh),
  atan: one(cr.atan),
  floor: one(cr.floor),
  ceil: one(cr.ceil),
  round: one(cr.round),
  tan: one(cr.tan),
  log1p: one(cr.log1p),
  asin: one(cr.asin),
  acos: one(cr.acos),
  log2: one(cr.log2),
  log10: one(cr.log10),
  rsqrt: one(cr.rsqrt),
  reciprocal: one(cr.reciprocal),
  atan2: two(cr.atan2),
  logAddExp: two(cr.logAddExp),
  'logAddExp of equals': two(cr.logAddExp),
  mod: two(cr.mod),
  'round of halves': one(cr.round),
  'floorDiv of integers': two(cr.floorDiv),
  'mod of integers': two(cr.mod),
  floorDiv: two(cr.floorDiv),
  logicalAnd: two(cr.logicalAnd),
  logicalOr: two(cr.logicalOr),
  logicalXor: two(cr.logicalXor),
  logicalNot: one(cr.logicalNot),
  isNaN: one(cr.isNaN),
  isFinite: one(cr.isFinite),
  isInf: one(cr.isInf),
  clip: one((x) => x.clip(-0.5, 1)),
  'clip low': one((x) => x.clip(0.25)),
  'clip high': one((x) => x.clip(undefined, 0.25)),
  'clip to tensors': (x, low, high) => cr.clip(x as Tensor, low, high),
  'clip at the ends': one((x) => x.clip(-1, 1)),
  maskedFill: two((x, m) => x.maskedFill(m.gt(0), -7.5)),
};

const ints = (...data: number[]) => cr.tensor(Int32Array.from(data));
const places = cr.tensor(Int32Array.of(4, 0, 0, 2, 1, 1, 1, 1, 3, 4, 2, 0), { shape: [3, 4] });
const rows = ints(2, 0, 2, 2);

const reductions: Record<string, Fn> = {
  min: one((x) => x.min([0, 2])),
  'min of ties': one((x) => x.min(1)),
  argMin: one((x) => x.argMin()),
  'argMax of integers': one((x) => x.argMax(0)),
  any: one((x) => x.gt(1.5).any(1)),
  all: one((x) => x.gt(-1.5).all(1)),
  prod: one((x) => x.prod(1)),
  'prod with zeros': one((x) => x.prod(1)),
  variance: one((x) => x.variance([0, 2])),
  'variance uncorrected': one((x) => x.variance(-1, { correction: 0, keepDims: true })),
  std: one((x) => x.std(1)),
  'std of equals': one((x) => x.std(1)),
  'logSumExp over axes': one((x) => x.logSumExp([0, 2], { keepDims: true })),
  cosineSimilarity: two(cr.cosineSimilarity),
  'cosineSimilarity of zeros': two(cr.cosineSimilarity),
  cumSum: one((x) => x.cumSum(1)),
  'cumSum of a long line': one((x) => x.cumSum()),
  cumProd: one((x) => x.cumProd(1)),
  'cumProd with zeros': one((x) => x.cumProd()),
};
for (const [name, p] of Object.entries({ inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY })) {
  reductions[`norm ${name}`] = one((x) => x.norm([0, 2], { p }));
}
for (const p of [0, 0.5, 1, 1.5, 2, 3]) {
  reductions[`norm ${p}`] = one((x) => x.norm([0, 2], { p }));
  if (p >= 1) reductions[`norm ${p} of zeros`] = one((x) => x.norm(1, { p }));
}

const indexing: Record<string, Fn> = {
  sort: one((x) => x.sort()),
  'sort descending': one((x) => x.sort(0, { descending: true })),
  'argSort of ties': one((x) => x.argSort()),
  'argSort descending': one((x) => x.argSort(-1, { descending: true })),
  topK: one((x) => x.topK(3).values),
  'topK indices': one((x) => x.topK(3, 0, { largest: false }).indices),
  takeAlong: one((x) => x.takeAlong(places)),
  scatterAddAlong: two((x, u) => x.scatterAddAlong(places, u)),
  scatterAdd: two((x, u) => x.scatterAdd(rows, u)),
  indexSelect: one((x) => x.indexSelect(rows)),
  'indexSelect 1': one((x) => x.indexSelect(ints(4, 1, 1), 1)),
  at: one((x) => x.at(-1, 2)),
};

const arrangements: Record<string, Fn> = {
  stack: two((a, b) => cr.stack([a, b], 1)),
  unstack: one((x) => x.unstack(1)[2] as Tensor),
  split: one((x) => x.split(4, 1)[1] as Tensor),
  'split into sizes': one((x) => x.split([1, 2, 3], 1)[2] as Tensor),
  chunk: one((x) => x.chunk(4, 1)[2] as Tensor),
  tile: one((x) => x.tile([2, 1, 3])),
  repeatInterleave: one((x) => x.repeatInterleave(2, 1)),
  flip: one((x) => x.flip()),
  roll: one((x) => x.roll([1, -2], [0, 1])),
  tril: one((x) => x.tril(-1)),
  triu: one((x) => x.triu(1)),
  diag: one((x) => x.diag(1)),
  'diag of a matrix': one((x) => x.diag(-2)),
  diagonal: one((x) => x.diagonal(1)),
  trace: one((x) => x.trace()),
  eye: () => cr.eye(3, 4),
  linspace: () => cr.linspace(-1, 2, 7),
  arange: () => cr.arange(2, 9, 1.5),
};

const products: Record<string, Fn> = {
  outer: two(cr.outer),
  dot: two(cr.dot),
  solve: two(cr.solve),
  'solve of a vector': two(cr.solve),
  inverse: one(cr.inverse),
};
const equations = [
  'ij,jk->ik',
  'bij,bkj->bik',
  'bhqd,bhkd->bhqk',
  '...ij,...j',
  'bi,i,bj->bj',
  'iij->j',
  'cb,abc',
];
for (const equation of equations) products[`einsum ${equation}`] = (...xs) => cr.einsum(equation, ...xs);

describeRecorded('more-ops', { ...elementwise, ...reductions, ...indexing, ...arrangements, ...products });
