import type { DType } from '../../graph/dtype.js';
import { formatType } from '../../graph/errors.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import type { StoredTensor } from '../../io/stored-tensor.js';
import { counted } from '../../text/names.js';
import { type Axes, shapeThere } from './axes.js';
import { converts } from './conversion.js';
import type { LoadOptions } from './options.js';
import type { LoadReport, Misshapen } from './report.js';
import type { Named } from './variables.js';

/** What a tensor has to be like. */
interface Form {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor of a state and the variable that it is for. */
export interface Match<V> {
  readonly name: string;
  readonly variable: V;
  readonly tensor: StoredTensor;
  /** The order of the tensor's axes, if it is not that of the variable. */
  readonly axes: Axes | undefined;
}

/** Counts of batches that PyTorch keeps beside the statistics of batch normalisation, and that only an average of all needs. */
const COUNT = /(^|\.)num_batches_tracked$/;

/** Compares a state with a model: what fits together, and a report of the rest. */
export function matchState<V extends Form>(
  variables: readonly Named<V>[],
  given: ReadonlyMap<string, StoredTensor>,
  { layout = 'chainrule', cast = false }: Pick<LoadOptions, 'layout' | 'cast'>,
): { matches: Match<V>[]; report: LoadReport } {
  const matches: Match<V>[] = [];
  const missing: string[] = [];
  const misshapen: Misshapen[] = [];
  const known = new Set<string>();
  let misread = 0;
  for (const { paths, variable, pytorch } of variables) {
    for (const path of paths) known.add(path);
    const name = paths.find((path) => given.has(path));
    if (name === undefined) {
      missing.push(paths[0]);
      continue;
    }
    const tensor = given.get(name) as StoredTensor;
    const { dtype, shape } = variable;
    const axes = layout === 'pytorch' ? pytorch : undefined;
    const expected = shapeThere(shape, axes);
    if (sameShape(tensor.shape, expected) && converts(tensor.dtype, dtype, cast || COUNT.test(name))) {
      matches.push({ name, variable, tensor, axes });
      continue;
    }
    misshapen.push({ name, expected: formatType({ dtype, shape: expected }), found: formatType(tensor) });
    if (pytorch && isOfOther(tensor.shape, shape, pytorch, layout)) misread++;
  }
  const unexpected = [...given.keys()].filter((name) => !known.has(name) && !COUNT.test(name));
  const hints = [
    ...layoutHint(misread, layout),
    ...prefixHint(missing, unexpected),
    ...castHint(misshapen, cast),
  ];
  return { matches, report: { missing, unexpected, misshapen, hints } };
}

function isOfOther(found: Shape, shape: Shape, pytorch: Axes, layout: 'chainrule' | 'pytorch'): boolean {
  return sameShape(found, layout === 'pytorch' ? shape : shapeThere(shape, pytorch));
}

function layoutHint(misread: number, layout: 'chainrule' | 'pytorch'): string[] {
  if (misread === 0) return [];
  const [theirs, other] = layout === 'pytorch' ? ["chainrule's", 'chainrule'] : ["PyTorch's", 'pytorch'];
  return [`pass layout: '${other}', since ${counted(misread, 'shape')} would fit in ${theirs} layout`];
}

/** All names that the model lacks are ones that the state lacks, behind the same first words. */
function prefixHint(missing: readonly string[], unexpected: readonly string[]): string[] {
  const [first] = unexpected;
  if (first === undefined || missing.length === 0) return [];
  const wanted = new Set(missing);
  for (let dot = first.indexOf('.'); dot >= 0; dot = first.indexOf('.', dot + 1)) {
    const prefix = first.slice(0, dot + 1);
    const isPrefix = (name: string) => name.startsWith(prefix) && wanted.has(name.slice(prefix.length));
    if (unexpected.filter(isPrefix).length * 2 > unexpected.length)
      return [`pass prefix: '${prefix}', with which the names begin`];
  }
  return [];
}

function castHint(misshapen: readonly Misshapen[], cast: boolean): string[] {
  const shapeOf = (type: string) => type.slice(type.indexOf('['));
  const only = misshapen.filter(({ expected, found }) => shapeOf(expected) === shapeOf(found));
  if (cast || only.length === 0) return [];
  return [
    `pass cast: true to convert what differs in its dtype alone (${counted(only.length, 'tensor')}), which may lose digits`,
  ];
}
