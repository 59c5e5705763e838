import { type BlockKind, blockKinds } from '../compile/plan/block-kinds.js';
import type { Block, Plan } from '../compile/plan/plan.js';
import { formatBytes } from '../runtime/memory-size.js';
import type { Scale } from './live.js';
import { MergedBlocks } from './merged-blocks.js';
import { KIND_NAMES } from './style.js';
import { tag, text, tooltip } from './svg.js';

/** Blocks that are narrower or lower than this, in pixels, are drawn together. */
const SMALLEST = 2;

/** What the label in a block needs, in pixels: so much height, and about so much width for each character. */
const LABEL_HEIGHT = 12;
const CHARACTER = 5.6;

/** The blocks of a plan as rectangles: from the first step to the end of the last, at their offsets in the arena. */
export function drawBlocks(plan: Plan, scale: Scale): string[] {
  const kinds = blockKinds(plan);
  const merged = new MergedBlocks();
  const shapes: string[] = [];
  const labels: string[] = [];
  plan.blocks.forEach((block, i) => {
    const kind = kinds[i] as BlockKind;
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

/** What first writes a block: its ops, and the layer that they are in. */
function describe({ steps }: Plan, { first }: Block): string {
  const step = steps[first];
  if (!step) return 'unused';
  const { label, origin } = step;
  return origin ? `${label}, ${origin.layer} ${origin.phase}` : label;
}

function cut(label: string, room: number): string {
  return label.length <= room ? label : `${label.slice(0, room - 1)}…`;
}
