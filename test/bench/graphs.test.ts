import { describe, expect, it } from 'vitest';
import { graphKinds } from '#bench/graphs/kinds.js';
import { type GraphResult, measureGraph } from '#bench/graphs/measure.js';
import { graphPicture } from '#bench/graphs/picture.js';
import { graphSummary, graphTable } from '#bench/graphs/table.js';
import { reachable } from '#lib/graph/tensor.js';

const sizes = [1000, 10_000, 100_000];
const results = graphKinds.slice(0, 5).flatMap(({ name }, kind) =>
  sizes.map(
    (nodes): GraphResult => ({
      kind: name,
      nodes,
      steps: nodes / 10,
      trace: nodes / 100_000,
      compile: (nodes * (1 + kind)) / 100_000,
      load: 0.25,
      run: 0.5,
      memory: 300e6,
      arena: 1 + kind / 100,
    }),
  ),
);

describe('the measurement of graphs', () => {
  it('has kinds whose graphs have about as many nodes as were asked for', () => {
    for (const { name, build } of graphKinds) {
      const { outputs, assignments } = build(2000);
      const found = reachable([...outputs, ...(assignments?.values() ?? [])]).length;
      // The nodes in the body of a loop are not among those around it.
      expect.soft(found, name).toBeGreaterThan(name === 'loop' ? 900 : 1900);
      expect.soft(found, name).toBeLessThan(2100);
    }
  });

  it('runs one of them in a process of its own', async () => {
    const { trace, compile, load, run, memory, ...rest } = await measureGraph('views', 60);
    expect(rest).toEqual({ kind: 'views', nodes: 60, steps: 31, arena: 1 });
    for (const figure of [trace, compile, load, run, memory]) expect(figure).toBeGreaterThan(0);
    await expect(measureGraph('trees', 60)).rejects.toThrow('there is no kind trees; there are chain, ');
  });

  it('is told in a table, a sentence and a picture', () => {
    const lines = graphTable(results).split('\n');
    expect(lines).toHaveLength(2 + 5);
    expect(lines[0]).toBe('| kind |  | 1,000 | 10,000 | 100,000 | steps | load | first run | MB |');
    expect(lines[2]).toBe(
      '| chain | element-wise ops in a row | 0.02 | 0.20 | 2.00 | 10000 | 0.25 | 0.50 | 300 |',
    );
    expect(graphSummary(results)).toBe(
      'Graphs of 100,000 nodes take 10.0 to 10.0 times as long as those of a tenth, and at most 6.0 s. ' +
        'No arena is larger than 1.040 times what is alive at once.',
    );
    const picture = graphPicture(results);
    expect(picture.match(/<circle/g)).toHaveLength(results.length);
    expect(picture.match(/<polyline/g)).toHaveLength(2 * 5);
  });
});
