import type { Block, Plan, Step } from './plan.js';

/**
 * Purpose of an arena block: activations kept for the backward pass, recomputed values, the workspace of a kernel, or
 * anything else, such as gradients in flight.
 */
export type BlockKind = 'kept' | 'recomputed' | 'workspace' | 'transient';

/** The kind of each block of a plan. A block that several values use in turn counts as its first use. */
export function blockKinds({ steps, blocks }: Pick<Plan, 'steps' | 'blocks'>): BlockKind[] {
  const backward = backwardStart({ steps });
  return blocks.map((block) => {
    const step = steps[block.first];
    if (isWorkspace(block, step)) return 'workspace';
    if (step?.recomputed) return 'recomputed';
    return block.first < backward && block.last >= backward ? 'kept' : 'transient';
  });
}

/** The first step of the backward pass; -1 if there is none. */
export function backwardStart({ steps }: Pick<Plan, 'steps'>): number {
  return steps.findIndex(({ origin, recomputed }) => origin?.phase === 'backward' && !recomputed);
}

function isWorkspace({ first, last, offset }: Block, step: Step | undefined): boolean {
  return first === last && step !== undefined && 'workspace' in step && step.workspace?.offset === offset;
}
