import { isRecord } from '../graph/arguments/is-record.js';
import { either, type Kind, kind, listOf, refusal, requireKind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf, unknownName } from '../graph/arguments/options.js';
import { isFloat } from '../graph/dtype.js';
import { failed, formatShape, invalid, messageOf } from '../graph/errors.js';
import { tensor } from '../graph/leaf.js';
import { partsOf, structureOf } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';
import { guard } from '../graph/trace.js';
import { cast, div, sub } from '../ops/primitives/elementwise.js';
import type { Tensors } from './model-input.js';
import type { AnyModule } from './module.js';

/** The transform of `data.normalize`: `(x / divisor - mean) / std`. */
export interface Normalize {
  readonly kind: 'normalize';
  /** One number, or one for each channel, on the last axis. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** null for 255 with bytes and 1 with other inputs. */
  readonly divisor: number | null;
}

/** What a model does to its inputs before `forward`: plain data, such as `[data.normalize({ mean, std, divisor: 255 })]`. */
export type Preprocessing =
  | readonly Normalize[]
  | {
      /** Of several inputs, by name. */
      readonly [input: string]: readonly Normalize[];
    };

const positive: Kind<number> = kind('a positive number', (value) => kinds.positive.accepts(value));
const numbers = listOf(kinds.finite, 'finite numbers');

const fields = optionsOf<Normalize>({
  kind: needed(kinds.oneOf('normalize')),
  mean: needed(numbers),
  std: needed(listOf(positive, 'positive numbers')),
  // Predictions may be asked for bytes or for floats, and both are divided by the same number.
  divisor: needed(kind('a positive number, so that bytes and floats are read alike', kinds.positive.accepts)),
});

const normalize: Kind<Normalize> = {
  description: 'data.normalize({ mean, std, divisor })',
  accepts: (value) => fields.accepts(value) && channelsOf(value as Normalize) !== undefined,
  explain(op, name, value) {
    if (!isRecord(value)) return undefined;
    const { kind } = value;
    if (typeof kind === 'string' && kind !== 'normalize')
      return invalid(op, `${name} must be data.normalize(...), as random transforms are for training`, kind);
    if (!fields.accepts(value)) return fields.explain?.(op, name, value);
    const { mean, std } = value as unknown as Normalize;
    return invalid(op, `${name} must have as many means as deviations`, `${mean.length} and ${std.length}`);
  },
};

/** The number of channels that are told apart; undefined if means and deviations differ in it. */
function channelsOf({ mean, std }: Normalize): number | undefined {
  return mean.length === std.length && mean.length > 0 ? mean.length : undefined;
}

const steps = listOf(normalize, 'data.normalize({ mean, std, divisor })');
const recordOfSteps: Kind<Readonly<Record<string, readonly Normalize[]>>> = {
  ...kinds.recordOf(steps, 'a record of such arrays by input'),
  explain(op, name, value) {
    const [key, other] =
      Object.entries(isRecord(value) ? value : {}).find(([, one]) => !steps.accepts(one)) ?? [];
    return key === undefined ? undefined : refusal(op, `${name}.${key}`, steps, other);
  },
};

/** The preprocessing of a model. */
export const preprocessing: Kind<Preprocessing> = either(steps, recordOfSteps);

/** The key of a file's metadata that holds the preprocessing of its model. */
const KEY = 'chainrule.preprocessing';

/** The metadata that a model is saved with: its preprocessing, if it has one, beside those that are given. */
export function withPreprocessing(
  op: string,
  given: Preprocessing | undefined,
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (Object.hasOwn(metadata, KEY))
    throw invalid(op, `metadata must not have ${KEY}, which save writes itself`, metadata[KEY]);
  if (given === undefined) return metadata;
  return { ...metadata, [KEY]: JSON.stringify(requireKind(op, 'preprocessing', preprocessing, given)) };
}

/**
 * The preprocessing in the metadata of a file; undefined if there is none.
 *
 * @throws naming the file if it is none
 */
export function preprocessingIn(
  source: string,
  metadata: Readonly<Record<string, string>>,
): Preprocessing | undefined {
  const text = metadata[KEY];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw failed('ERR_CHAINRULE_INVALID', source, `its ${KEY} must be JSON: ${messageOf(cause)}`, { cause });
  }
  return requireKind(source, `its ${KEY}`, preprocessing, value);
}

/**
 * Inputs as the model's `forward` is to get them, in a function that is traced again when the preprocessing has changed.
 *
 * @throws if the model's preprocessing is none, or does not suit the inputs
 */
export function preprocessed(op: string, model: AnyModule, inputs: Tensors): Tensors {
  const text = JSON.stringify(model.preprocessing);
  guard(() => JSON.stringify(model.preprocessing) === text);
  const given = model.preprocessing;
  if (given === undefined) return inputs;
  return preprocess(op, requireKind(op, 'preprocessing', preprocessing, given), inputs);
}

function preprocess(op: string, given: Preprocessing, inputs: Tensors): Tensors {
  const parts = partsOf(inputs, kinds.tensor);
  const names = parts.map(([place]) => place.replace(/^\.|^\[|\]$/g, ''));
  const lists = Object.entries(Array.isArray(given) ? { '': given } : given);
  for (const [name] of lists) {
    if (names.includes(name)) continue;
    if (name === '') throw invalid(op, 'preprocessing of several inputs must be a record by input', given);
    throw unknownName(op, 'input', name, names, 'preprocessing.');
  }
  const all = new Map<string, readonly Normalize[]>(lists);
  return structureOf(
    parts.map(([place, x], i) => {
      const list = all.get(names[i] as string) ?? [];
      return [place, list.reduce((value, step) => normalized(op, value, step), x)];
    }),
  );
}

function normalized(op: string, x: Tensor, { mean, std, divisor }: Normalize): Tensor {
  const channels = x.shape.at(-1) ?? 1;
  if (mean.length > 1 && (mean.length !== channels || x.ndim < 2)) {
    const expected = `preprocessing has ${mean.length} channels, so the last axis of the input must too`;
    throw invalid(op, expected, formatShape(x.shape));
  }
  const float = isFloat(x.dtype) ? x : cast(x, 'float32');
  const factors = (list: readonly number[]) => tensor(list, { dtype: float.dtype });
  return div(sub(div(float, divisor ?? 1), factors(mean)), factors(std));
}
