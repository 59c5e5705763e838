import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { usableCores } from '#lib/parallel/prepare/cores.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'chainrule-cores-'));
});
afterEach(() => rm(root, { recursive: true }));

const OWN = 'proc/self/cgroup';
const V2 = 'sys/fs/cgroup';
const V1 = 'sys/fs/cgroup/cpu,cpuacct';
const v1 = (folder: string, quota: number) => ({
  [`${folder}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`${folder}/cpu.cfs_period_us`]: '100000\n',
});

it.each<[string, Record<string, string>, number]>([
  ['nothing at all', {}, 8],
  ['no limit', { [OWN]: '0::/\n', [`${V2}/cpu.max`]: 'max 100000\n' }, 8],
  ['a quota', { [OWN]: '0::/\n', [`${V2}/cpu.max`]: '300000 100000\n' }, 3],
  ['a quota that is no whole core', { [OWN]: '0::/\n', [`${V2}/cpu.max`]: '150000 100000\n' }, 2],
  ['a quota below one core', { [OWN]: '0::/\n', [`${V2}/cpu.max`]: '1000 100000\n' }, 1],
  ['a quota beyond the cores', { [OWN]: '0::/\n', [`${V2}/cpu.max`]: '1600000 100000\n' }, 8],
  ['a quota with no file of its own cgroup', { [`${V2}/cpu.max`]: '200000 100000\n' }, 2],
  ['its own quota', { [OWN]: '0::/app/web\n', [`${V2}/app/web/cpu.max`]: '200000 100000\n' }, 2],
  [
    'the quota of a parent that is tighter',
    {
      [OWN]: '0::/app/web\n',
      [`${V2}/app/web/cpu.max`]: '600000 100000\n',
      [`${V2}/app/cpu.max`]: '250000 100000\n',
      [`${V2}/cpu.max`]: 'max 100000\n',
    },
    3,
  ],
  ['the quota of another cgroup', { [OWN]: '0::/app\n', [`${V2}/other/cpu.max`]: '100000 100000\n' }, 8],
  [
    'a path of the host, seen in a container',
    { [OWN]: '0::/docker/abc\n', [`${V2}/cpu.max`]: '400000 100000\n' },
    4,
  ],
  ['a path above its namespace', { [OWN]: '0::/../../app\n', [`${V2}/app/cpu.max`]: '400000 100000\n' }, 4],
  ['version 1', { [OWN]: '4:cpu,cpuacct:/app\n1:name=systemd:/x\n', ...v1(`${V1}/app`, 250000) }, 3],
  ['version 1 with no limit', { [OWN]: '4:cpu,cpuacct:/\n', ...v1(V1, -1) }, 8],
  ['version 1 under a short name', { [OWN]: '4:cpu,cpuacct:/\n', ...v1(`${V2}/cpu`, 500000) }, 5],
  ['version 1 of another controller', { [OWN]: '4:cpuset:/\n', ...v1(`${V2}/cpuset`, 100000) }, 8],
  [
    'both versions',
    {
      [OWN]: '4:cpu,cpuacct:/app\n0::/app\n',
      ...v1(`${V1}/app`, 600000),
      [`${V2}/unified/app/cpu.max`]: '500000 100000\n',
    },
    5,
  ],
  ['files that make no sense', { [OWN]: 'what\n0::/\n', [`${V2}/cpu.max`]: 'lots\n' }, 8],
])('with %s', async (_, files, cores) => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  expect(usableCores({ root, affinity: 8 }).cores).toBe(cores);
});

it('says what decides', async () => {
  expect(usableCores({ root, affinity: 4 }).reason).toBe('the process may run on 4 cores');
  await mkdir(join(root, V2), { recursive: true });
  await writeFile(join(root, V2, 'cpu.max'), '150000 100000\n');
  expect(usableCores({ root, affinity: 4 }).reason).toBe('cgroup / grants the time of 1.5 cores');
});

it('counts the cores of this machine', () => {
  const { cores } = usableCores();
  expect(cores).toBeGreaterThanOrEqual(1);
  expect(cores).toBeLessThanOrEqual(availableParallelism());
});
