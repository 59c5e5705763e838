import { relative } from 'node:path';
import { cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import { context } from '../graph/context.js';
import type { Trace } from '../graph/trace.js';
import { packageRoot } from '../runtime/package-root.js';

/** Who made a parameter: the class of the layer, and the line of the program that made the layer. */
export interface Maker {
  readonly type?: string;
  /** As `model.mjs:12:20`, relative to the working directory. */
  readonly place?: string;
  /** The trace in which it was made; undefined outside of traced functions. */
  readonly trace: Trace | undefined;
}

/** The folders of the library, compiled and as sources, to which source maps may lead. */
const library = ['dist/', 'lib/'].map((folder) => fileURLToPath(new URL(folder, packageRoot)));

const FRAME = /^\s*at (?:async )?(?:(.*) \()?((?:file:|node:|\/|[A-Za-z]:\\).*?:\d+:\d+)\)?$/;

/** What was noted of parts. The text of a stack is made when it is read. */
const notes = new WeakMap<object, { readonly stack?: string; readonly trace: Trace | undefined }>();

/** Notes who makes a part, while the constructor `maker` is running. */
export function noteMaker(part: object, maker: abstract new (...args: never[]) => unknown): void {
  const { trace } = context();
  const note = { trace };
  Error.captureStackTrace(note, maker);
  notes.set(part, note);
}

/** Who made a part. */
export function makerOf(part: object): Maker {
  const { stack, trace } = notes.get(part) ?? {};
  let type: string | undefined;
  let place: string | undefined;
  for (const line of (stack ?? '').split('\n')) {
    const [, name = '', location] = FRAME.exec(line) ?? [];
    if (location === undefined) continue;
    const made = /^new ([\w$.]+)$/.exec(name)?.[1];
    if (place === undefined && isLibrary(location)) {
      type = made ?? type;
      continue;
    }
    place ??= placeOf(location);
    type ??= made;
    // The constructor is the frame below that of its fields.
    if (type !== undefined || !name.endsWith('<instance_members_initializer>')) break;
  }
  return { ...(type === undefined ? {} : { type }), ...(place === undefined ? {} : { place }), trace };
}

function isLibrary(location: string): boolean {
  const path = pathOf(location);
  return location.startsWith('node:') || library.some((folder) => path.startsWith(folder));
}

function placeOf(location: string): string {
  const path = pathOf(location);
  const near = relative(cwd(), path);
  return near.startsWith('..') ? path : near;
}

/** The path and position of a location, which may be a URL with a query. */
function pathOf(location: string): string {
  const [, file = location, position = ''] = /^(.*?)(:\d+:\d+)$/.exec(location) ?? [];
  return (file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file) + position;
}
