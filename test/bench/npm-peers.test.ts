import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureNpmPackages } from '#bench/peers/npm-packages.js';
import { OnnxPeer, type OnnxScenario } from '#bench/peers/onnx-peer.js';
import { ProcessPeer } from '#bench/peers/process-peer.js';
import { rowScenarios } from '#bench/rows/scenarios.js';
import type { Peer } from '#lib/bench/peer.js';
import type { PredictionScenario, Scenario } from '#lib/bench/scenario.js';
import { mnistMlp } from '#lib/bench/scenarios/mnist-mlp.js';
import { decodeModel } from '../helpers/onnx/decode.js';

const serveModule = new URL('../../bench/peers/serve.mjs', import.meta.url).href;

let folder: string;
const peers: Peer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainrule-npm-peers-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  for (const peer of peers.splice(0)) peer.stop();
  rmSync(folder, { recursive: true });
});

/** Starts a peer whose function `prepare` has this body. */
async function startPeer(body: string): Promise<ProcessPeer> {
  const path = join(folder, 'peer.mjs');
  const lines = [`import { serve } from ${JSON.stringify(serveModule)};`, `console.log('noise');`];
  writeFileSync(path, [...lines, `await serve('Fake 1', async (scenario) => { ${body} });`].join('\n'));
  const peer = await ProcessPeer.start({ name: 'Fake', command: process.execPath, args: [path] });
  if (!peer) throw new Error('the peer does not start');
  peers.push(peer);
  return peer;
}

const [one] = rowScenarios(['mnist_mlp'], [3]) as [PredictionScenario];

describe('a peer in Node.js', () => {
  it('is timed in the fastest of its variants that work', async () => {
    const peer = await startPeer(`
      let now = 0;
      performance.now = () => now;
      const take = (ms) => { now += ms; };
      console.log('what a library prints');
      return {
        parameters: 7,
        variants: {
          slow: async (steps) => take(60 * steps),
          quick: async (steps) => take(20 * steps),
          broken: async () => { throw new Error('no such kernel\\nat ...'); },
        },
        remarks: [scenario.name],
      };`);
    expect(peer.version).toBe('Fake 1');
    expect(await peer.prepare(one)).toEqual({
      parameters: 7,
      variant: 'quick',
      remarks: ['mnist_mlp', 'broken failed: no such kernel'],
    });
    expect(await peer.round()).toBe(20);
  });

  it('gives the reason if it cannot run a model, and goes on', async () => {
    const peer = await startPeer(`
      if (scenario.kind === 'train') throw new Error('it does not train');
      return { parameters: 7, variants: { eager: async () => {} }, remarks: [] };`);
    await expect(peer.prepare(mnistMlp)).rejects.toThrow('it does not train');
    expect((await peer.prepare(one)).variant).toBe('eager');
  });

  it('does not time steps that take too long', async () => {
    const peer = await startPeer(`
      let now = 0;
      performance.now = () => now;
      const take = (first, later) => {
        let count = 0;
        return async (steps) => { for (let i = 0; i < steps; i++) now += count++ === 0 ? first : later; };
      };
      const variants = { long: take(100, 11_000), compiling: take(61_000, 1), quick: take(59_000, 4000) };
      return { parameters: 7, variants, remarks: [] };`);
    expect(await peer.prepare(one)).toMatchObject({
      variant: 'quick',
      remarks: [
        'long failed: a step takes 11 s, and is not timed',
        'compiling failed: a step takes 61 s, and is not timed',
      ],
    });
    expect(await peer.round()).toBe(4000);
  });

  it('fails if no variant works', async () => {
    const peer = await startPeer(`
      const fail = async () => { throw new Error('too big'); };
      return { parameters: 7, variants: { one: fail, two: fail }, remarks: [] };`);
    await expect(peer.prepare(one)).rejects.toThrow('one failed: too big; two failed: too big');
  });
});

describe('ONNX Runtime as a peer', () => {
  /** Keeps what the runtime is given. */
  function recorder() {
    const given: (Scenario & OnnxScenario)[] = [];
    const runtime: Peer = {
      name: 'ONNX Runtime',
      version: 'ONNX Runtime 1',
      prepare: async (scenario) => {
        given.push(scenario as Scenario & OnnxScenario);
        return { parameters: 1, variant: 'graph', remarks: [] };
      },
      round: async () => 1,
      stop: () => {},
    };
    return { peer: new OnnxPeer(runtime), given };
  }

  it('is given files of the model, an input, and our output to compare with', async () => {
    const { peer, given } = recorder();
    peers.push(peer);
    await peer.prepare(one);
    const [{ files, input, expected, parameters, batchSize }] = given as [Scenario & OnnxScenario];
    expect({ parameters, batchSize, shape: input.shape, dtype: input.dtype }).toEqual({
      parameters: 535818,
      batchSize: 3,
      shape: [784],
      dtype: 'float32',
    });
    expect(decodeModel(readFileSync(files.graph as string)).nodes).toHaveLength(5);
    expect(readFileSync(input.path)).toHaveLength(4 * 3 * 784);
    expect(readFileSync(expected)).toHaveLength(4 * 3 * 10);
    peer.stop();
    expect(existsSync(expected)).toBe(false);
  });

  it('does not train', async () => {
    const { peer } = recorder();
    peers.push(peer);
    await expect(peer.prepare(mnistMlp)).rejects.toThrow('it does not train');
  });
});

describe('the npm packages of a peer', () => {
  const ensure = (remarks: string[]) => {
    const [list, installed] = ['list.json', 'packages/package.json'].map((name) => join(folder, name));
    writeFileSync(list as string, JSON.stringify({ dependencies: { dummy: '1.2.3' } }));
    const urls = [list, installed].map((path) => pathToFileURL(path as string)) as [URL, URL];
    return ensureNpmPackages(...urls, (line) => remarks.push(line));
  };

  function install(version: string): void {
    mkdirSync(join(folder, 'packages/node_modules/dummy'), { recursive: true });
    writeFileSync(join(folder, 'packages/node_modules/dummy/package.json'), JSON.stringify({ version }));
  }

  /** An npm that installs `version`, or fails. */
  function stubNpm(version?: string): void {
    mkdirSync(join(folder, 'bin'));
    const file = 'node_modules/dummy/package.json';
    const works = `mkdir -p node_modules/dummy; echo '{"version":"${version}"}' > ${file}; echo "$@" > arguments`;
    const code = `#!/bin/sh\n${version ? works : 'echo no registry >&2; exit 1'}\n`;
    writeFileSync(join(folder, 'bin/npm'), code, { mode: 0o755 });
    vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env.PATH}`);
  }

  it('are left alone if they are there', async () => {
    install('1.2.3');
    stubNpm();
    const remarks: string[] = [];
    expect(await ensure(remarks)).toBe(true);
    expect(remarks).toEqual([]);
  });

  it.each(['missing', 'another version'])('are installed if they are %s', async (state) => {
    if (state === 'another version') install('1.0.0');
    stubNpm('1.2.3');
    const remarks: string[] = [];
    expect(await ensure(remarks)).toBe(true);
    expect(remarks).toEqual(['installing dummy@1.2.3, for the benchmark alone']);
    expect(readFileSync(join(folder, 'packages/arguments'), 'utf8')).toContain('--ignore-scripts');
  });

  it('are remarked if npm fails', async () => {
    stubNpm();
    const remarks: string[] = [];
    expect(await ensure(remarks)).toBe(false);
    expect(remarks[1]).toBe('npm could not install dummy@1.2.3: no registry');
  });
});
