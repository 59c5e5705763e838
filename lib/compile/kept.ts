import { identityOp } from '../graph/ops/identity.js';
import { commonRegion, liesIn, type Region } from '../graph/region.js';
import type { Tensor } from '../graph/tensor.js';

/**
 * The values that leave a checkpointed region, and are kept: those of which an `identity` stands outside of it. What has
 * the memory of such a value, seen through views, moves to the region of that identity.
 *
 * @param nodes inputs first
 * @returns the new region of each node that moves
 */
export function keptRegions(nodes: readonly Tensor[]): Map<Tensor, Region | undefined> {
  const moved = new Map<Tensor, Region | undefined>();
  const regionOf = (node: Tensor) => (moved.has(node) ? moved.get(node) : node.region);
  for (const node of [...nodes].reverse()) {
    const { family } = node.op.kernel;
    const isView = family === 'view' || family === 'identity';
    const [source] = node.inputs;
    if (!source || !(node.op === identityOp || (isView && moved.has(node)))) continue;
    const region = regionOf(node);
    if (!liesIn(region, regionOf(source))) moved.set(source, commonRegion(region, regionOf(source)));
  }
  return moved;
}
