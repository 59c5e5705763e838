import {
  argSortPlain,
  lineOf,
  scanPlain,
  scatterAddAlongPlain,
  solvePlain,
  takeAlongPlain,
} from './along.js';
import { at, build } from './naive.js';
import type { Attributes, Rule, Value } from './reference.js';

const none: Value = { shape: [], data: [] };

const map =
  (fn: (a: number, b: number) => number): Rule =>
  (_, [a = none, b = none]) =>
    a.data.map((x, i) => fn(x, b.data[i] as number));

/** The error function by its Maclaurin series, and 1 where doubles are. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let sum = 0;
  let term = x;
  for (let n = 0; n < 200; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  // From 3 on the terms cancel, and the continued fraction of the complement takes over.
  return Math.abs(x) < 3 ? (2 / Math.sqrt(Math.PI)) * sum : Math.sign(x) * (1 - complement(Math.abs(x)));
}

function complement(x: number): number {
  let fraction = x;
  for (let k = 60; k > 0; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (fraction * Math.sqrt(Math.PI));
}

/** The whole number next to `x`; of two, the even one. */
function round(x: number): number {
  const low = Math.floor(x);
  const gap = x - low;
  if (gap === 0.5) return low % 2 === 0 ? low : low + 1;
  return gap < 0.5 ? low : low + 1;
}

const floorMod = (a: number, b: number) => (b === 0 ? Number.NaN : a - b * Math.floor(a / b));

/** The rules of the further ops, for the reference. */
export const moreRules: Readonly<Record<string, Rule>> = {
  erf: map(erf),
  expm1: map(Math.expm1),
  log1p: map(Math.log1p),
  tan: map(Math.tan),
  asin: map(Math.asin),
  acos: map(Math.acos),
  atan: map(Math.atan),
  atan2: map(Math.atan2),
  sinh: map(Math.sinh),
  cosh: map(Math.cosh),
  floor: map(Math.floor),
  ceil: map(Math.ceil),
  round: map(round),
  mod: map(floorMod),
  floorDiv: map((a, b) => Math.floor(a / b)),
  min: (node, [x = none], { axes }) => {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const result = new Array<number>(node.size).fill(Number.POSITIVE_INFINITY);
    build(x.shape, (index) => {
      const place = kept.reduce(
        (flat, axis) => flat * (x.shape[axis] as number) + (index[axis] as number),
        0,
      );
      const [least, value] = [result[place] as number, at(x, index)];
      result[place] = Number.isNaN(least) || Number.isNaN(value) ? Number.NaN : Math.min(least, value);
      return 0;
    });
    return result;
  },
  argMin: (node, [x = none], { axis }) => [
    ...build(node.shape, (index) => {
      const line = lineOf(x, axis, index.toSpliced(axis, 0, 0));
      return line.indexOf(Math.min(...line));
    }).data,
  ],
  cumSum: (_, [x = none], { axis, reverse }) => {
    const turned = reverse ? flipped(x, [axis]) : x;
    const sums = scanPlain(turned, axis, (values) => values.reduce((a, b) => a + b, 0));
    return [...(reverse ? flipped(sums, [axis]) : sums).data];
  },
  flip: (_, [x = none], { axes }) => [...flipped(x, axes).data],
  argSort: (_, [x = none], { axis, descending, count }) => [
    ...argSortPlain(x, axis, descending as boolean, count as number).data,
  ],
  takeAlong: (_, [x = none, places = none], { axis }) => [...takeAlongPlain(x, places, axis).data],
  scatterAddAlong: (_, [places = none, updates = none], { axis, length }: Attributes) => [
    ...scatterAddAlongPlain(places, updates, axis, length as number).data,
  ],
  solve: (_, [a = none, b = none]) => [...solvePlain(a, b).data],
};

function flipped(x: Value, axes: readonly number[]): Value {
  return build(x.shape, (index) =>
    at(
      x,
      index.map((v, axis) => (axes.includes(axis) ? (x.shape[axis] as number) - 1 - v : v)),
    ),
  );
}
