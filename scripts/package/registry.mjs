// A registry of npm packages on this machine, with packages that are not published yet in front of the public ones.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, SetupError } from '../setup/run.mjs';

const VERDACCIO = 'verdaccio@6';

/**
 * Starts Verdaccio, publishes the packages, and resolves to its address and to what stops it.
 * @param {string} folder for its files
 * @param {readonly string[]} packages .tgz files
 */
export async function startRegistry(folder, packages) {
  const upstream = (await run('npm', ['config', 'get', 'registry'])).trim();
  mkdirSync(folder, { recursive: true });
  const ours = '{ access: $all, publish: $anonymous }';
  writeFileSync(
    join(folder, 'config.yaml'),
    `storage: ./storage
uplinks: { public: { url: '${upstream}', cache: true, maxage: 1d } }
packages:
  'chainrule': ${ours}
  '@chainrule/*': ${ours}
  '**': { access: $all, proxy: public }
max_body_size: 100mb
log: { type: stdout, level: error }
`,
  );
  // One of its dependencies is asked for by a tag, which mirrors of the registry may not have.
  const project = { private: true, overrides: { 'node-fetch': '2' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', VERDACCIO], { cwd: folder });
  const port = await freePort();
  // Not by the name localhost, for which some managers try addresses that nobody listens to.
  const url = `http://127.0.0.1:${port}/`;
  const child = spawn(
    process.execPath,
    [
      join(folder, 'node_modules/verdaccio/bin/verdaccio'),
      '--config',
      'config.yaml',
      '--listen',
      `127.0.0.1:${port}`,
    ],
    // It warns of users with all rights, as containers have.
    { cwd: folder, stdio: 'inherit', env: { ...process.env, NODE_NO_WARNINGS: '1' } },
  );
  const stop = () => child.kill();
  try {
    await answering(url);
    const auth = `--//127.0.0.1:${port}/:_authToken=anonymous`;
    for (const file of packages)
      await run('npm', ['publish', file, '--registry', url, auth, '--provenance=false', '--ignore-scripts'], {
        cwd: folder,
      });
  } catch (error) {
    stop();
    throw error;
  }
  return { url, stop };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** @param {string} url */
async function answering(url) {
  for (let attempt = 0; attempt < 300; attempt++) {
    try {
      if ((await fetch(`${url}-/ping`)).ok) return;
    } catch {}
    await sleep(200);
  }
  throw new SetupError(`The registry at ${url} does not answer.`);
}
