import type { Tensor } from './tensor.js';

/**
 * A function that follows the first inputs of a node, as long as a test holds, to the first node for which it does not.
 * Remembers what it found, so that the nodes of a chain are passed once, however many of them it is asked about.
 */
export function follower(isPassed: (node: Tensor) => boolean): (start: Tensor) => Tensor {
  const ends = new Map<Tensor, Tensor>();
  return (start) => {
    const passed: Tensor[] = [];
    let node = start;
    for (; !ends.has(node) && isPassed(node); node = node.input(0)) passed.push(node);
    const end = ends.get(node) ?? node;
    for (const each of passed) ends.set(each, end);
    return end;
  };
}
