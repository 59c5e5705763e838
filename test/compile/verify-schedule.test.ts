import { describe, expect, it } from 'vitest';
import { fuse } from '#lib/compile/fuse/fuse.js';
import { schedule } from '#lib/compile/fuse/schedule.js';
import type { Unit } from '#lib/compile/fuse/units.js';
import { bindEnds } from '#lib/compile/lower/bindings.js';
import { chooseDestinations } from '#lib/compile/lower/destinations.js';
import { findReaders } from '#lib/compile/lower/readers.js';
import { verifySchedule } from '#lib/compile/lower/verify-schedule.js';
import { input } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { variable } from '../helpers/graphs.js';

const x = input('x', [4, 4]);
const w = variable([4, 4]);

/** Schedules two products with `w`, of which one makes its next value, and checks the order after a change. */
function check(change: (order: Unit[], reader: Unit) => void) {
  const other = x.matmul(w.transpose());
  const roots = [other, x.matmul(w).exp()];
  const nodes = reachable(roots);
  const { units, unitOf } = fuse(nodes);
  const bound = bindEnds({ inputs: [x], roots, assigned: [w] }, nodes);
  const readers = findReaders(nodes);
  const destinations = chooseDestinations(bound.targets, unitOf, readers);
  const order = schedule(units);
  change(order, unitOf.get(other) as Unit);
  return () => verifySchedule(order, nodes, bound.targets, destinations, readers);
}

describe('the check of schedules', () => {
  it('takes the order that the scheduler gives', () => {
    expect(check(() => {})).not.toThrow();
  });

  it('refuses a node before its input', () => {
    const early = check((order) => order.reverse());
    expect(early).toThrow(/is scheduled before its input/);
  });

  it('refuses a node that stands in no unit, or in two', () => {
    expect(check((order) => order.pop())).toThrow(/stands in no unit/);
    expect(check((order) => order.push(order[0] as Unit))).toThrow(/stands in two units/);
  });

  it('refuses a variable that is written while another unit has yet to read it', () => {
    const overwritten = check((order, reader) => {
      order.splice(order.indexOf(reader), 1);
      order.push(reader);
    });
    expect(overwritten).toThrow(/reads a variable that .* has already overwritten/);
  });
});
