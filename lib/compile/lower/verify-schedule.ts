import type { Tensor } from '../../graph/tensor.js';
import type { Unit } from '../fuse/units.js';
import type { Destinations, Target } from './destinations.js';
import { type Readers, readersThroughViews } from './readers.js';

/**
 * Checks the order of units: each node stands in one of them, after the nodes that it reads, and the unit that writes
 * the next value of a variable directly comes after all others that read its old value. A failure is a bug in a pass.
 *
 * @param nodes the live nodes
 */
export function verifySchedule(
  order: readonly Unit[],
  nodes: readonly Tensor[],
  targets: readonly Target[],
  { direct }: Destinations,
  readers: Readers,
): void {
  const places = new Map<Tensor, number>();
  order.forEach((unit, place) => {
    for (const node of unit.nodes) {
      if (places.has(node)) throw new Error(`verify: ${node} stands in two units`);
      places.set(node, place);
    }
  });
  const placeOf = (node: Tensor): number => {
    const place = places.get(node);
    if (place === undefined) throw new Error(`verify: ${node} stands in no unit`);
    return place;
  };
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (placeOf(input) > placeOf(node))
        throw new Error(`verify: ${node} is scheduled before its input ${input}`);
    }
  }
  const writers = new Map([...direct].map(([node, buffer]) => [buffer, node]));
  for (const { variable, binding } of targets) {
    const writer = variable && writers.get(binding);
    if (!variable || !writer) continue;
    for (const { node: reader } of readersThroughViews(variable, readers)) {
      if (placeOf(reader) > placeOf(writer)) {
        throw new Error(`verify: ${reader} reads a variable that ${writer} has already overwritten`);
      }
    }
  }
}
