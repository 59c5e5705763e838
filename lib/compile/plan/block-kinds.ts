import type { Block, Plan, Step } from './plan.js';

/**
 * What a stretch of the arena is for: activations that the forward pass keeps for the backward pass, values that are computed
 * again, what a kernel takes to work in, and all else, such as gradients on their way.
 */
export type BlockKind = 'kept' | 'recomputed' | 'workspace' | 'transient';

/** What each block of a plan is for, in the order of the blocks. One that is used in turn counts as what it was first. */
export function blockKinds({ steps, blocks }: Pick<Plan, 'steps' | 'blocks'>): BlockKind[] {
  const backward = backwardStart({ steps });
  return blocks.map((block) => {
    const step = steps[block.first];
    if (isWorkspace(block, step)) return 'workspace';
    if (step?.recomputed) return 'recomputed';
    return block.first < backward && block.last >= backward ? 'kept' : 'transient';
  });
}

/** The first step of the backward pass; -1 where there is none. */
export function backwardStart({ steps }: Pick<Plan, 'steps'>): number {
  return steps.findIndex(({ origin, recomputed }) => origin?.phase === 'backward' && !recomputed);
}

function isWorkspace({ first, last, offset }: Block, step: Step | undefined): boolean {
  return first === last && step !== undefined && 'workspace' in step && step.workspace?.offset === offset;
}
