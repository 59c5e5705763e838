import { at } from '../../lib/graph/at.js';
import { STYLE } from '../../lib/preflight/style.js';
import { tag, text, tooltip } from '../../lib/preflight/svg.js';
import { graphKinds } from './kinds.js';
import type { GraphResult } from './measure.js';

const PANEL = {
  width: 190,
  height: 150,
  left: 40,
  right: 12,
  top: 26,
  bottom: 26,
  gap: 10,
  columns: 4,
} as const;

/** The axes, which are logarithmic: nodes, and seconds. */
const NODES = [1000, 10_000, 100_000] as const;
const SECONDS = [0.01, 0.1, 1, 10] as const;

/**
 * The time to trace and compile over the number of nodes as an SVG: a panel for each kind of graph. The dashed line is
 * time in proportion to the nodes, from the first measurement on.
 */
export function graphPicture(results: readonly GraphResult[]): string {
  const panels = graphKinds.flatMap(({ name, title }) => {
    const own = results.filter(({ kind }) => kind === name);
    return own.length > 0 ? [{ name, title, own }] : [];
  });
  const { columns, gap } = PANEL;
  const width = columns * (PANEL.width + gap) + gap;
  const height = Math.ceil(panels.length / columns) * (PANEL.height + gap) + gap + 16;
  const drawn = panels.map(({ name, title, own }, i) =>
    tag(
      'g',
      {
        transform: `translate(${gap + (i % columns) * (PANEL.width + gap)},${gap + Math.floor(i / columns) * (PANEL.height + gap)})`,
      },
      panelOf(name, title, own),
    ),
  );
  const note =
    'upwards: seconds of processor time to trace and compile; to the right: nodes; dashed: in proportion to the nodes';
  return `${tag(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, class: 'chart' },
    tag('style', {}, STYLE),
    tag('rect', { width, height, class: 'ground' }),
    ...drawn,
    text(gap + 4, height - 10, note, { class: 'soft' }),
  )}\n`;
}

function panelOf(name: string, title: string, results: readonly GraphResult[]): string {
  const { left, top } = PANEL;
  const [right, bottom] = [PANEL.width - PANEL.right, PANEL.height - PANEL.bottom];
  const x = (nodes: number) => left + along(nodes, NODES) * (right - left);
  const y = (seconds: number) => bottom - along(seconds, SECONDS) * (bottom - top);
  const times = results.map(({ nodes, trace, compile }) => ({ nodes, seconds: trace + compile }));
  const first = at(times, 0);
  const most = at(NODES, NODES.length - 1);
  const points = (list: readonly (readonly [nodes: number, seconds: number])[]) =>
    list.map(([nodes, seconds]) => `${x(nodes).toFixed(1)},${y(seconds).toFixed(1)}`).join(' ');
  return [
    text(left - 4, 14, name, { class: 'head' }),
    tooltip(title),
    ...SECONDS.map(
      (tick) =>
        tag('path', { class: 'grid', d: `M${left} ${y(tick).toFixed(1)}H${right}` }) +
        text(left - 5, y(tick) + 3, String(tick), { class: 'soft', 'text-anchor': 'end' }),
    ),
    ...NODES.map((tick) =>
      text(x(tick), bottom + 14, `${tick / 1000}k`, { class: 'soft', 'text-anchor': 'middle' }),
    ),
    tag('polyline', {
      class: 'live',
      opacity: 0.5,
      'stroke-dasharray': '4 3',
      points: points([
        [first.nodes, first.seconds],
        [most, (first.seconds * most) / first.nodes],
      ]),
    }),
    tag('polyline', { class: 'live', points: points(times.map(({ nodes, seconds }) => [nodes, seconds])) }),
    ...times.map(({ nodes, seconds }) =>
      tag('circle', { class: 'point', cx: x(nodes), cy: y(seconds), r: 2.6 }),
    ),
  ].join('\n');
}

/** The place of a value between the first and the last tick of a logarithmic axis, from 0 to 1. */
function along(value: number, ticks: readonly number[]): number {
  const [low, high] = [at(ticks, 0), at(ticks, ticks.length - 1)];
  return Math.log(value / low) / Math.log(high / low);
}
