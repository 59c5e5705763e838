import { blockKinds } from '../compile/plan/block-kinds.js';
import type { Block, Plan } from '../compile/plan/plan.js';
import { at } from '../graph/at.js';
import { formatBytes } from '../runtime/memory-size.js';
import type { Scale } from './live.js';
import { MergedBlocks } from './merged-blocks.js';
import { KIND_NAMES } from './style.js';
import { tag, text, tooltip } from './svg.js';

/** Blocks narrower or lower than this, in pixels, are merged. */
const SMALLEST = 2;

/** Height of a label, and approximate width of a character, in pixels. */
const LABEL_HEIGHT = 12;
const CHARACTER = 5.6;

/** Draws the blocks of a plan as rectangles: from their first step to the end of their last, at their offsets. */
export function drawBlocks(plan: Plan, scale: Scale): string[] {
  const kinds = blockKinds(plan);
  const merged = new MergedBlocks();
  const shapes: string[] = [];
  const labels: string[] = [];
  plan.blocks.forEach((block, i) => {
    const kind = at(kinds, i);
    const x = scale.x(block.first);
    const y = scale.y(block.offset + block.bytes);
    const [width, height] = [scale.x(block.last + 1) - x, scale.y(block.offset) - y];
    if (width < SMALLEST || height < SMALLEST) {
      merged.add(kind, { x, y, width, height }, block.bytes);
      return;
    }
    const about = describe(plan, block);
    const shown = `${about}\n${KIND_NAMES[kind]}, ${formatBytes(block.bytes)}, steps ${block.first} to ${block.last}`;
    shapes.push(tag('rect', { class: `block ${kind}`, x, y, width, height }, tooltip(shown)));
    const room = Math.floor((width - 6) / CHARACTER);
    if (height < LABEL_HEIGHT || room < 8) return;
    labels.push(text(x + 4, y + height / 2 + 3.5, cut(about, room), { class: 'inline' }));
  });
  return [...merged.draw(), ...shapes, ...labels];
}

/** Label and origin of the step that first writes a block. */
function describe({ steps }: Plan, { first }: Block): string {
  const step = steps[first];
  if (!step) return 'unused';
  const { label, origin } = step;
  return origin ? `${label}, ${origin.layer} ${origin.phase}` : label;
}

function cut(label: string, room: number): string {
  return label.length <= room ? label : `${label.slice(0, room - 1)}…`;
}
