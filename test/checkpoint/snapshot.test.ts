import { describe, expect, it } from 'vitest';
import { Control } from '#lib/parallel/protocol/control.js';

describe('a snapshot for a checkpoint', () => {
  it('is made when it is due or asked for, and the one before has been saved', async () => {
    const control = new Control();
    control.decideSnapshot(false, 1);
    expect(control.copying).toBe(false);
    control.decideSnapshot(true, 2);
    expect([control.copying, control.snapshotStep]).toEqual([true, undefined]);
    control.completeSnapshot();
    expect([control.copying, control.snapshotStep]).toEqual([false, 2]);
    // Not yet free, so the one that is due waits.
    control.decideSnapshot(true, 4);
    expect([control.copying, control.snapshotStep]).toEqual([false, 2]);
    control.freeSnapshot();
    control.decideSnapshot(false, 5);
    control.completeSnapshot();
    expect(control.snapshotStep).toBe(5);
    control.freeSnapshot();
    control.decideSnapshot(false, 6);
    expect(control.copying).toBe(false);
    control.requestSnapshot();
    control.decideSnapshot(false, 7);
    expect(control.copying).toBe(true);
  });

  it('wakes who waits for it', async () => {
    const control = new Control();
    const completed = control.snapshotCompleted().then(() => control.snapshotStep);
    control.decideSnapshot(true, 3);
    control.completeSnapshot();
    expect(await completed).toBe(3);
    await control.snapshotCompleted();
    control.freeSnapshot();
    const woken = control.snapshotCompleted().then(() => control.snapshotStep);
    control.wake();
    expect(await woken).toBeUndefined();
  });

  it('that workers failed to copy is not taken for whole, but made again by those that come after', () => {
    const control = new Control();
    control.decideSnapshot(true, 3);
    control.reset();
    control.completeSnapshot();
    expect(control.snapshotStep).toBeUndefined();
    control.decideSnapshot(false, 4);
    control.completeSnapshot();
    expect(control.snapshotStep).toBe(4);
    // One that was complete before they failed is.
    control.reset();
    expect(control.snapshotStep).toBe(4);
  });
});
