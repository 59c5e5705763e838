import type { BlockKind } from '../compile/plan/block-kinds.js';
import { at } from '../graph/at.js';
import { formatBytes } from '../runtime/memory-size.js';
import { KIND_NAMES } from './style.js';
import { tag, tooltip } from './svg.js';

/** A rectangle in pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Share of a pixel that must be covered for it to be drawn. */
const COVERED = 0.4;

/** Pixels from `from` to `to` (exclusive), in `rows` rows from `top` on. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly top: number;
  rows: number;
}

/** Blocks too small to be drawn one by one: each pixel gets the kind that covers most of it. */
export class MergedBlocks {
  /** Share of each pixel that is covered, by row, column and kind. */
  readonly #rows = new Map<number, Map<number, Map<BlockKind, number>>>();
  readonly #totals = new Map<BlockKind, { count: number; bytes: number }>();

  add(kind: BlockKind, { x, y, width, height }: Rectangle, bytes: number): void {
    const total = this.#totals.get(kind) ?? { count: 0, bytes: 0 };
    this.#totals.set(kind, { count: total.count + 1, bytes: total.bytes + bytes });
    for (let row = Math.floor(y); row < y + height; row++) {
      const tall = Math.min(row + 1, y + height) - Math.max(row, y);
      for (let column = Math.floor(x); column < x + width; column++) {
        const wide = Math.min(column + 1, x + width) - Math.max(column, x);
        const pixel = this.#pixel(row, column);
        pixel.set(kind, (pixel.get(kind) ?? 0) + tall * wide);
      }
    }
  }

  /** Draws one path per kind. */
  draw(): string[] {
    const runs = this.#runs();
    return [...this.#totals].map(([kind, { count, bytes }]) => {
      const shapes = (runs.get(kind) ?? []).map(
        ({ from, to, top, rows }) => `M${from} ${top}H${to}v${rows}H${from}z`,
      );
      const shown = `${KIND_NAMES[kind]}: ${count} blocks too small to be drawn one by one, ${formatBytes(bytes)}`;
      return tag('path', { class: kind, d: shapes.join('') }, tooltip(shown));
    });
  }

  #pixel(row: number, column: number): Map<BlockKind, number> {
    const columns = this.#rows.get(row) ?? new Map<number, Map<BlockKind, number>>();
    this.#rows.set(row, columns);
    const pixel = columns.get(column) ?? new Map<BlockKind, number>();
    columns.set(column, pixel);
    return pixel;
  }

  /** Runs of pixels by kind; equal runs in adjacent rows are merged. */
  #runs(): Map<BlockKind, Run[]> {
    const runs = new Map<BlockKind, Run[]>();
    let above = new Map<string, Run>();
    for (const [row, columns] of [...this.#rows].sort(([a], [b]) => a - b)) {
      const here = new Map<string, Run>();
      for (const [kind, from, to] of stretches(columns)) {
        const key = `${kind} ${from} ${to}`;
        const known = above.get(key);
        const run = known && known.top + known.rows === row ? known : { from, to, top: row, rows: 0 };
        run.rows++;
        here.set(key, run);
        if (run !== known) runs.set(kind, [...(runs.get(kind) ?? []), run]);
      }
      above = here;
    }
    return runs;
  }
}

/** Covered pixels of a row, as stretches of one kind. */
function stretches(columns: ReadonlyMap<number, ReadonlyMap<BlockKind, number>>) {
  const found: [kind: BlockKind, from: number, to: number][] = [];
  for (const [column, pixel] of [...columns].sort(([a], [b]) => a - b)) {
    const shares = [...pixel].sort(([, a], [, b]) => b - a);
    const [kind] = at(shares, 0);
    if (shares.reduce((sum, [, share]) => sum + share, 0) < COVERED) continue;
    const last = found.at(-1);
    if (last?.[0] === kind && last[2] === column) last[2]++;
    else found.push([kind, column, column + 1]);
  }
  return found;
}
