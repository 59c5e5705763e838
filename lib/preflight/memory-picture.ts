import { type BlockKind, backwardStart } from '../compile/plan/block-kinds.js';
import type { Plan } from '../compile/plan/plan.js';
import { formatBytes } from '../runtime/memory-size.js';
import { percent } from '../text/percent.js';
import { ticks } from './axis.js';
import { drawBlocks } from './blocks.js';
import { liveBytes, livePath, type Scale } from './live.js';
import { KIND_NAMES, STYLE } from './style.js';
import { tag, text } from './svg.js';

/** A plan with its name in a picture. */
export interface NamedPlan {
  readonly name: string;
  readonly plan: Plan;
}

export interface MemoryPictureOptions {
  /** Maximum bytes of an arena, drawn as a line. */
  readonly limit?: number;
}

const WIDTH = 960;
const LEFT = 72;
const RIGHT = 24;
const HEAD = 52;
const HEIGHT = 260;
const FOOT = 40;
const LEGEND = 34;
const PANEL = HEAD + HEIGHT + FOOT;

/**
 * Draws the memory of plans as SVG, one plan below another on the same scale: bytes of the arena against steps in
 * execution order. Each block is a rectangle at its offset; the curve is the sum of the live bytes.
 */
export function drawMemory(plans: readonly NamedPlan[], { limit }: MemoryPictureOptions = {}): string {
  const bytes = Math.max(1, limit ?? 0, ...plans.map(({ plan }) => plan.arenaBytes));
  const steps = Math.max(1, ...plans.map(({ plan }) => plan.steps.length));
  const height = LEGEND + PANEL * plans.length;
  const panels = plans.map((named, i) => {
    const bottom = LEGEND + PANEL * i + HEAD + HEIGHT;
    const scale: Scale = {
      x: (step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / steps,
      y: (value) => bottom - (HEIGHT * value) / (1.04 * bytes),
    };
    return drawPanel(named, scale, { bytes, limit });
  });
  return tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'chart',
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      role: 'img',
    },
    tag('title', {}, 'Memory over the schedule'),
    tag('style', {}, STYLE),
    tag('rect', { class: 'ground', width: WIDTH, height }),
    ...legend(limit !== undefined),
    ...panels.flat(),
  );
}

interface Extent {
  readonly bytes: number;
  readonly limit: number | undefined;
}

function drawPanel({ name, plan }: NamedPlan, scale: Scale, { bytes, limit }: Extent): string[] {
  const { x, y } = scale;
  const bottom = y(0);
  const top = bottom - HEIGHT;
  const live = liveBytes(plan);
  const most = live.reduce((a, b) => Math.max(a, b), 0);
  const axis = ticks(bytes, 5).flatMap((value) => [
    tag('path', { class: 'grid', d: `M${LEFT} ${Math.round(y(value)) + 0.5}H${WIDTH - RIGHT}` }),
    text(LEFT - 8, y(value) + 4, formatBytes(value), { class: 'soft', 'text-anchor': 'end' }),
  ]);
  return [
    text(LEFT, top - 26, name, { class: 'head' }),
    text(LEFT, top - 10, caption(plan, live, most), { class: 'soft' }),
    tag('rect', { class: 'frame', x: LEFT, y: top, width: WIDTH - RIGHT - LEFT, height: HEIGHT }),
    ...axis,
    ...drawBlocks(plan, scale),
    tag('path', { class: 'live', d: livePath(live, scale) }),
    ...(limit === undefined ? [] : limitLine(y(limit), limit)),
    ...passes(plan, scale),
    ...ticks(plan.steps.length, 8).map((step) =>
      text(x(step), bottom + 22, step.toLocaleString('en-US'), { class: 'soft', 'text-anchor': 'middle' }),
    ),
    text(LEFT, bottom + 37, 'step', { class: 'soft', 'text-anchor': 'middle' }),
  ];
}

/** Summary of the plan in words. */
function caption(
  { steps, arenaBytes, flops, recomputedFlops }: Plan,
  live: Float64Array,
  most: number,
): string {
  const at = live.indexOf(most);
  const peak = steps[at];
  const where = peak
    ? `, at step ${at} (${peak.label}${peak.origin ? `, ${peak.origin.layer} ${peak.origin.phase}` : ''})`
    : '';
  const needed = flops - recomputedFlops;
  const again = recomputedFlops > 0 ? `; ${percent(recomputedFlops / needed)} more operations` : '';
  return `arena ${formatBytes(arenaBytes)}, at most ${formatBytes(most)} alive${where}${again}`;
}

function limitLine(y: number, limit: number): string[] {
  return [
    tag('path', { class: 'budget', d: `M${LEFT} ${y}H${WIDTH - RIGHT}` }),
    text(WIDTH - RIGHT - 4, y - 4, `budget of an arena: ${formatBytes(limit)}`, {
      class: 'budget-name',
      'text-anchor': 'end',
    }),
  ];
}

/** Draws a band below the steps that marks recomputed ones, and the start of the backward pass. */
function passes(plan: Plan, { x, y }: Scale): string[] {
  const { steps } = plan;
  const [band, middle] = [y(0) + 3, backwardStart(plan)];
  const runs: string[] = [];
  for (let first = 0; first < steps.length; first++) {
    if (!steps[first]?.recomputed) continue;
    let last = first;
    while (steps[last + 1]?.recomputed) last++;
    runs.push(`M${x(first).toFixed(1)} ${band}H${x(last + 1).toFixed(1)}v5H${x(first).toFixed(1)}z`);
    first = last;
  }
  const marks = runs.length === 0 ? [] : [tag('path', { class: 'recomputed', d: runs.join('') })];
  if (middle < 0) return marks;
  return [
    ...marks,
    tag('path', { class: 'grid', d: `M${x(middle)} ${y(0) - HEIGHT}V${y(0) + 40}` }),
    text(x(middle) - 5, y(0) + 37, 'forward', { class: 'soft', 'text-anchor': 'end' }),
    text(x(middle) + 5, y(0) + 37, 'backward', { class: 'soft' }),
  ];
}

function legend(budget: boolean): string[] {
  let x = LEFT;
  const place = (name: string, mark: (x: number) => string): string[] => {
    const at = x;
    x += 30 + 6 * name.length;
    return [mark(at), text(at + 17, 20, name)];
  };
  const kinds = Object.entries(KIND_NAMES).flatMap(([kind, name]) =>
    place(name, (at) => tag('rect', { class: kind as BlockKind, x: at, y: 10, width: 12, height: 12 })),
  );
  const line = (kind: string) => (at: number) => tag('path', { class: kind, d: `M${at - 2} 16h16` });
  return [...kinds, ...place('alive', line('live')), ...(budget ? place('budget', line('budget')) : [])];
}
