import os from 'node:os';
import { expect, it, vi } from 'vitest';
import { lowerPriority } from '#lib/parallel/worker/lower-priority.js';

it('a system that refuses another priority gives a warning', () => {
  const set = vi.spyOn(os, 'setPriority').mockImplementation(() => {
    throw new Error('uv_os_setpriority returned EPERM');
  });
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  lowerPriority(5);
  expect(set).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toBe(
    'the option nice has no effect here: uv_os_setpriority returned EPERM',
  );
  vi.restoreAllMocks();
});
