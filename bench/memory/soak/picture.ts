import { tag, text } from '../../../lib/preflight/svg.js';
import type { SoakRun } from './run.js';
import type { SoakSample } from './sizes.js';

const WIDTH = 760;
const LEFT = 56;
const RIGHT = 132;

interface Panel {
  readonly top: number;
  readonly height: number;
  readonly title: string;
  readonly highest: number;
  readonly ticks: readonly number[];
  readonly lines: readonly Line[];
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly of: (sample: SoakSample) => number;
}

const megabytes = (bytes: number) => bytes / 1e6;

const memory: readonly Line[] = [
  { name: 'resident', colour: '#8a9bb0', of: ({ residentBytes }) => megabytes(residentBytes) },
  { name: 'without files', colour: '#2f5d9b', of: ({ anonymousBytes }) => megabytes(anonymousBytes) },
  { name: 'plans, arenas', colour: '#c47f17', of: ({ heldBytes }) => megabytes(heldBytes) },
];

const counts: readonly Line[] = [
  { name: 'file handles', colour: '#1b7f3b', of: ({ handles }) => handles },
  { name: 'threads', colour: '#8e3b8a', of: ({ threads }) => threads },
];

/** The soak as an SVG: memory, threads and file handles over the predictions that were answered. */
export function soakPicture({ samples, sizes, cgroup }: SoakRun): string {
  const limit = megabytes(cgroup?.bytes ?? 0);
  const highest = Math.max(limit, ...samples.flatMap((sample) => memory.map(({ of }) => of(sample)))) * 1.08;
  const most = Math.max(...samples.flatMap((sample) => counts.map(({ of }) => of(sample)))) * 1.3;
  const panels: readonly Panel[] = [
    {
      top: 34,
      height: 250,
      title: 'memory, MB',
      highest,
      ticks: [0, 100, 200, 300, 400, 500],
      lines: memory,
    },
    {
      top: 336,
      height: 90,
      title: 'threads and file handles',
      highest: most,
      ticks: [0, 10, 20],
      lines: counts,
    },
  ];
  const height = 480;
  return [
    tag(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        viewBox: `0 0 ${WIDTH} ${height}`,
        'font-family': 'sans-serif',
        'font-size': 12,
        fill: '#222',
      },
      tag('rect', { width: WIDTH, height, fill: 'white' }),
      ...panels.map((panel) => panelOf(panel, samples)),
      ...(cgroup ? [limitOf(limit, panels[0] as Panel)] : []),
      ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
        text(xOf(share), 446, String(Math.round(share * sizes.predictions)), { 'text-anchor': 'middle' }),
      ),
      text(
        (LEFT + WIDTH - RIGHT) / 2,
        468,
        'predictions of random sizes, while models are trained and swapped in',
        {
          'text-anchor': 'middle',
        },
      ),
    ),
    '',
  ].join('\n');
}

const xOf = (share: number) => LEFT + share * (WIDTH - LEFT - RIGHT);

const yOf = ({ top, height, highest }: Panel, value: number) => top + height * (1 - value / highest);

function panelOf(panel: Panel, samples: readonly SoakSample[]): string {
  const { top, height, title, highest, ticks, lines } = panel;
  const last = samples.at(-1);
  return tag(
    'g',
    {},
    text(LEFT, top - 10, title, { 'font-weight': 'bold' }),
    ...ticks
      .filter((tick) => tick < highest)
      .flatMap((tick) => [
        tag('path', { d: `M${LEFT} ${yOf(panel, tick)}H${xOf(1)}`, stroke: '#e3e3e3' }),
        text(LEFT - 8, yOf(panel, tick) + 4, String(tick), { 'text-anchor': 'end' }),
      ]),
    tag('path', { d: `M${LEFT} ${top}V${top + height}H${xOf(1)}`, fill: 'none', stroke: '#888' }),
    ...lines.map(({ name, colour, of }) => {
      const points = samples.map(
        (sample, i) => `${xOf(i / (samples.length - 1)).toFixed(1)},${yOf(panel, of(sample)).toFixed(1)}`,
      );
      return tag(
        'g',
        {},
        tag('polyline', { points: points.join(' '), fill: 'none', stroke: colour, 'stroke-width': 1.5 }),
        text(xOf(1) + 8, yOf(panel, last ? of(last) : 0) + 4, name, { fill: colour }),
      );
    }),
  );
}

function limitOf(limit: number, panel: Panel): string {
  const y = yOf(panel, limit);
  return tag(
    'g',
    {},
    tag('path', { d: `M${LEFT} ${y}H${xOf(1)}`, stroke: '#c0392b', 'stroke-dasharray': '6 4' }),
    text(xOf(1) + 8, y + 4, `limit, ${Math.round(limit)} MB`, { fill: '#c0392b' }),
  );
}
