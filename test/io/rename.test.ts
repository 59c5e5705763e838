import { expect, it } from 'vitest';
import { retryWhileBusy } from '#lib/io/rename.js';

/** An attempt that fails so often with a code of the system, and the number of its calls. */
function failing(times: number, code: string) {
  const counted = {
    calls: 0,
    async attempt() {
      counted.calls += 1;
      if (counted.calls <= times) throw Object.assign(new Error(code), { code });
    },
  };
  return counted;
}

it.each(['EPERM', 'EACCES', 'EBUSY'])(
  'on Windows, a file that is open elsewhere is tried again: %s',
  async (code) => {
    const twice = failing(2, code);
    await retryWhileBusy(twice.attempt, 'win32', [0, 0, 0]);
    expect(twice.calls).toBe(3);
  },
);

it('gives up with the error of the system', async () => {
  const always = failing(Infinity, 'EPERM');
  await expect(retryWhileBusy(always.attempt, 'win32', [0, 0])).rejects.toThrow('EPERM');
  expect(always.calls).toBe(3);
});

it.each([
  ['win32', 'ENOSPC'],
  ['linux', 'EPERM'],
] as const)('on %s, %s is no reason to wait', async (platform, code) => {
  const once = failing(1, code);
  await expect(retryWhileBusy(once.attempt, platform, [0])).rejects.toThrow(code);
  expect(once.calls).toBe(1);
});
