import { invalid } from '../../graph/errors.js';
import type { FileTensor } from '../../io/file-dtypes.js';
import type { LoadOptions } from './options.js';

/** A state in memory: tensors by name. */
export type State = Readonly<Record<string, FileTensor>>;

/** Tensors, or what there is of them, by the names that the model is to have for them. */
export function renamed<T>(
  op: string,
  tensors: ReadonlyMap<string, T>,
  { prefix = '', rename }: Pick<LoadOptions, 'prefix' | 'rename'>,
): Map<string, T> {
  const result = new Map<string, T>();
  const origins = new Map<string, string>();
  const byRecord = (name: string) =>
    rename && typeof rename === 'object' && Object.hasOwn(rename, name) ? rename[name] : name;
  for (const [original, tensor] of tensors) {
    if (!original.startsWith(prefix)) continue;
    const own = original.slice(prefix.length);
    const name = typeof rename === 'function' ? rename(own) : byRecord(own);
    if (name === undefined) continue;
    if (typeof name !== 'string')
      throw invalid(op, `rename must return a name for ${own}, or undefined`, name);
    const other = origins.get(name);
    if (other !== undefined)
      throw invalid(op, `rename gives ${other} and ${original} the same name, ${name}`);
    origins.set(name, original);
    result.set(name, tensor);
  }
  return result;
}
