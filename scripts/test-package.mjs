// `npm run test:package [-- --build]`: packs the npm package, installs it in an empty folder, and uses it there. With
// --build, the addon is built in that folder from the sources in the package; otherwise, the repository's addon is
// used.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { report, root, run, step } from './setup/run.mjs';
import { setUp } from './setup.mjs';

const build = process.argv.includes('--build');
const folder = mkdtempSync(join(tmpdir(), 'chainrule-package-'));
// node-gyp-build looks for the addon of a package X in the folder that X_PREBUILD names.
const env = build ? {} : { CHAINRULE_PREBUILD: root };

const use = `
import * as chainrule from 'chainrule';
import load from 'node-gyp-build';
const exports = Object.keys(chainrule).length;
const native = Object.keys(load('node_modules/chainrule')).length;
if (exports === 0 || native === 0) throw new Error(\`\${exports} exports, \${native} native ones\`);

const { data, nn, optim, Trainer } = chainrule;
const xor = data.fromArrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]);
const trainer = new Trainer(new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2)), {
  loss: nn.crossEntropy,
  optimizer: optim.adam({ lr: 0.1 }),
  workers: 2,
});
let loss = 1;
for await (const epoch of trainer.fit(xor, { epochs: 100, batchSize: 4 })) loss = epoch.loss;
if (!(loss < 0.1)) throw new Error(\`training in the package ends with a loss of \${loss}\`);
`;

async function main() {
  const npm = (/** @type {string[]} */ ...args) => run('npm', args, { env, cwd: folder });
  await step('Packing', () => npm('pack', root, '--pack-destination', folder));
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }\n');
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  await step('Installing the package', () =>
    npm('install', '--no-audit', '--no-fund', '--prefer-offline', tarball ?? ''),
  );
  writeFileSync(join(folder, 'use.mjs'), use);
  await step('Loading the package, and training with it', async () => {
    await run(process.execPath, ['use.mjs'], { env, cwd: folder });
    await run(join(folder, 'node_modules/.bin/chainrule'), ['--help'], { env, cwd: folder });
    await run(join(folder, 'node_modules/.bin/chainrule'), ['bench', 'tiny_mlp', '-r', '1'], {
      env,
      cwd: folder,
    });
  });
}

try {
  if (await setUp()) await main();
  else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
