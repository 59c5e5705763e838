import { at } from '../../lib/graph/at.js';
import { graphKinds } from './kinds.js';
import type { GraphResult } from './measure.js';

/** Seconds to trace and compile by size, and for the largest graphs what else they take: one line for each kind. */
export function graphTable(results: readonly GraphResult[]): string {
  const sizes = [...new Set(results.map(({ nodes }) => nodes))];
  const head = [
    'kind',
    '',
    ...sizes.map((size) => size.toLocaleString('en')),
    'steps',
    'load',
    'first run',
    'MB',
  ];
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  const lines = graphKinds.flatMap(({ name, title }) => {
    const own = results.filter(({ kind }) => kind === name);
    if (own.length === 0) return [];
    const largest = at(own, own.length - 1);
    return [
      [
        name,
        title,
        ...own.map(({ trace, compile }) => (trace + compile).toFixed(2)),
        largest.steps,
        largest.load.toFixed(2),
        largest.run.toFixed(2),
        Math.round(largest.memory / 1e6),
      ],
    ];
  });
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** How much longer ten times as many nodes take, over all kinds, in a sentence. */
export function graphSummary(results: readonly GraphResult[]): string {
  const sizes = results.map(({ nodes }) => nodes);
  const most = Math.max(...sizes);
  const growths = graphKinds.flatMap(({ name }) => {
    const timeOf = (nodes: number) =>
      results
        .filter((one) => one.kind === name && one.nodes === nodes)
        .map(({ trace, compile }) => trace + compile)[0];
    const [small, large] = [timeOf(most / 10), timeOf(most)];
    return small && large ? [large / small] : [];
  });
  const slowest = Math.max(...results.map(({ trace, compile }) => trace + compile));
  const arena = Math.max(...results.map((one) => one.arena));
  return (
    `Graphs of ${most.toLocaleString('en')} nodes take ${Math.min(...growths).toFixed(1)} to ` +
    `${Math.max(...growths).toFixed(1)} times as long as those of a tenth, and at most ${slowest.toFixed(1)} s. ` +
    `No arena is larger than ${arena.toFixed(3)} times what is alive at once.`
  );
}
