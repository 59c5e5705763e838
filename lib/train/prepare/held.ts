import { type ChainruleError, formatShape, invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { LOSS } from '../../health/record.js';
import { Buffer } from '../../nn/buffer.js';
import type { AnyModule } from '../../nn/index.js';
import { type Maker, makerOf } from '../../nn/maker.js';
import { MODEL } from '../../nn/module-tree.js';
import { Parameter } from '../../nn/parameter.js';
import { enumerate } from '../../text/names.js';

type Part = Parameter | Buffer;

/** What a trace used, and what the model held before it. */
interface Used {
  readonly model: AnyModule;
  /** Parameters and buffers that the model held before the trace. */
  readonly held: ReadonlySet<Tensor>;
  /** Id of the first node of the trace. */
  readonly start: number;
  /** Nodes to which a gradient of the loss flows. */
  readonly reached: ReadonlySet<Tensor>;
  /** Variables that `forward` assigned. */
  readonly assigned: readonly Variable[];
}

/**
 * Checks that the model holds all that training would change: the trainable parameters that the loss depends on, and the
 * buffers that `forward` assigns. A `Module` sees what is in its fields, not in a private field or a closure.
 */
export function requireHeld({ model, held, start, reached, assigned }: Used): void {
  const parameters = [...reached].filter(
    (node): node is Parameter => node instanceof Parameter && node.trainable && !held.has(node),
  );
  const buffers = assigned.filter((node): node is Buffer => node instanceof Buffer && !held.has(node));
  if (parameters.length > 0) throw notHeld('parameters', parameters, { model, start, reached });
  if (buffers.length > 0) throw notHeld('buffers', buffers, { model, start, reached });
}

function notHeld(
  what: 'parameters' | 'buffers',
  parts: readonly Part[],
  { model, start, reached }: Pick<Used, 'model' | 'start' | 'reached'>,
): ChainruleError {
  const now = new Set<Part>([...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)]);
  const made = parts.some(({ id }) => id >= start);
  const remedy = parts.every((part) => now.has(part))
    ? 'make them in the constructor, or run the model once before `new Trainer`'
    : made
      ? 'make them in the constructor, in a field of the model, instead of in each call of forward'
      : 'keep each in a public field of its module, or in an array or plain object there, or name its module in ' +
        'the option extraModules; or else freeze it';
  const rule =
    what === 'parameters'
      ? 'the loss depends on parameters that the model does not hold, so they would be neither trained nor saved'
      : 'forward must not assign variables other than buffers of the model, whose values would be lost';
  return invalid('Trainer', `${rule}: ${enumerate(describe(parts, reached))}; ${remedy}`);
}

/** The parts by the layers that they belong to, as `[4,2] and [4] of Linear (made at net.mjs:5:20, used in encoder)`. */
function describe(parts: readonly Part[], reached: ReadonlySet<Tensor>): string[] {
  const groups = new Map<string, { readonly maker: Maker; readonly parts: Part[] }>();
  for (const part of parts) {
    const maker = makerOf(part);
    const key = `${maker.type} ${maker.place}`;
    const group = groups.get(key) ?? { maker, parts: [] };
    group.parts.push(part);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ maker, parts: own }) => {
    const shapes = enumerate(own.map(({ shape }) => formatShape(shape)));
    const user = usersOf(own, reached);
    const facts = [
      ...(maker.place === undefined ? [] : [`made at ${maker.place}`]),
      ...(user === undefined ? [] : [`used in ${user}`]),
    ];
    const of = maker.type === undefined ? '' : ` of ${maker.type}`;
    return `${shapes}${of}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
  });
}

/** The layer of the model that uses parts first. */
function usersOf(parts: readonly Part[], reached: ReadonlySet<Tensor>): string | undefined {
  const users = [...reached].filter(({ inputs }) => inputs.some((input) => parts.includes(input as Part)));
  const layer = users.reduce<Tensor | undefined>((a, b) => (a && a.id < b.id ? a : b), undefined)?.origin
    ?.layer;
  return layer === undefined ? undefined : userName(layer);
}

/** What a layer is called that uses something. */
export function userName(layer: string): string {
  if (layer === MODEL) return "the model's forward";
  return layer === LOSS ? 'the loss' : layer;
}
