// `npm run graphs [-- --write]`: shows what docs/graphs.md promises; --write puts the results into that page.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runParts } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const page = join(root, 'docs/graphs.md');
const picture = join(root, 'docs/graphs.svg');

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(root, path)).href);

/** The time to compile graphs of each kind, by the number of their nodes. */
async function growth() {
  const { measureGraphs } = await load('dist/bench/graphs/measure.js');
  const { graphSummary, graphTable } = await load('dist/bench/graphs/table.js');
  const { graphPicture } = await load('dist/bench/graphs/picture.js');
  const results = [];
  for await (const result of measureGraphs()) {
    results.push(result);
    const { kind, nodes, trace, compile } = result;
    console.error(`${kind}, ${nodes} nodes: ${(trace + compile).toFixed(2)} s`);
  }
  if (process.argv.includes('--write')) writeFileSync(picture, graphPicture(results));
  return [graphSummary(results), '', '![time to compile](graphs.svg)', '', graphTable(results)].join('\n');
}

await runParts(page, { growth });
