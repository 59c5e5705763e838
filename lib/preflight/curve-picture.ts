import { formatBytes } from '../runtime/memory-size.js';
import type { MemoryPlan } from '../train/index.js';
import { ticks } from './axis.js';
import { STYLE } from './style.js';
import { tag, text, tooltip } from './svg.js';
import { extra, extraShare } from './tables.js';

const WIDTH = 480;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 24;
const TOP = 28;
const BOTTOM = 44;

/** Draws the cost of budgets as SVG: recomputed operations, as a share of the necessary ones, against the peak. */
export function drawCurve(plan: MemoryPlan): string {
  const { curve, budget, peak } = plan;
  const own = { bytes: peak, share: extraShare(plan) };
  const points = curve.map(({ bytes, recomputedFlops }) => ({
    bytes,
    share: extraShare(plan, recomputedFlops),
  }));
  const all = [...points, own];
  const most = 1.05 * Math.max(...all.map(({ bytes }) => bytes), budget?.bytes ?? 0);
  const highest = Math.max(0.1, ...all.map(({ share }) => share)) * 1.05;
  const x = (bytes: number) => LEFT + ((WIDTH - LEFT - RIGHT) * bytes) / most;
  const y = (share: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * share) / highest;
  const frame = { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
  const dot = (kind: string, { bytes, share }: typeof own, radius: number) =>
    tag(
      'circle',
      { class: kind, cx: x(bytes), cy: y(share), r: radius },
      tooltip(`${formatBytes(bytes)}, ${extra(share)} operations`),
    );
  return tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      role: 'img',
    },
    tag('title', {}, 'What budgets cost'),
    tag('style', {}, STYLE),
    tag('rect', { class: 'ground', width: WIDTH, height: HEIGHT }),
    text(LEFT, 18, 'more operations', { class: 'soft' }),
    tag('rect', { class: 'frame', ...frame }),
    ...ticks(highest, 4).flatMap((share) => [
      tag('path', { class: 'grid', d: `M${LEFT} ${Math.round(y(share)) + 0.5}H${WIDTH - RIGHT}` }),
      text(LEFT - 8, y(share) + 4, `${Math.round(100 * share)} %`, { class: 'soft', 'text-anchor': 'end' }),
    ]),
    ...ticks(most, 5).map((bytes) =>
      text(x(bytes), HEIGHT - BOTTOM + 18, formatBytes(bytes), { class: 'soft', 'text-anchor': 'middle' }),
    ),
    text(WIDTH - RIGHT, HEIGHT - 8, 'peak of memory in all', { class: 'soft', 'text-anchor': 'end' }),
    tag('path', {
      class: 'live',
      d: `M${points.map((point) => `${Math.round(x(point.bytes))} ${Math.round(y(point.share))}`).join('L')}`,
    }),
    ...(budget
      ? [tag('path', { class: 'budget', d: `M${Math.round(x(budget.bytes))} ${TOP}V${HEIGHT - BOTTOM}` })]
      : []),
    ...points.map((point) => dot('point', point, 3.5)),
    dot('chosen', own, 5),
  );
}
