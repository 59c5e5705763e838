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

describeRecorded('more-ops', { ...elementwise });
