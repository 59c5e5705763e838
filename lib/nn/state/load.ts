import type { TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { StoredTensor } from '../../io/stored-tensor.js';
import { bytesOf } from '../../io/tensor-bytes.js';
import { writing } from '../../runtime/access/lock.js';
import { transfer } from './axes.js';
import { type Match, matchState } from './match.js';
import type { LoadOptions } from './options.js';
import { describeReport, fitsWholly, type LoadReport } from './report.js';
import { renamed } from './stored-state.js';
import type { NamedVariable } from './variables.js';

/**
 * Loads a state into the variables of a model: all that is to be loaded, or nothing if anything fails. Its tensors are read
 * one by one, into memory that becomes the variables' own where these have not drawn their values.
 *
 * @param op and the name of the state, for errors
 */
export async function loadInto(
  op: string,
  source: string,
  variables: readonly NamedVariable[],
  tensors: ReadonlyMap<string, StoredTensor>,
  options: LoadOptions,
): Promise<LoadReport> {
  const { matches, report } = matchState(variables, renamed(op, tensors, options), options);
  if (options.strict !== false && !fitsWholly(report))
    throw invalid(op, `${source} does not fit the model: ${describeReport(report)}`);
  const staged: [Target, TypedArray][] = [];
  for (const match of matches) staged.push([match.variable, await stage(match)]);
  await writing(
    op,
    staged.map(([variable]) => variable),
    () => {
      for (const [{ storage }, memory] of staged) storage.adopt(memory);
    },
  );
  return report;
}

type Target = NamedVariable['variable'];

async function stage({ name, variable, tensor, axes }: Match<Target>): Promise<TypedArray> {
  const memory = variable.storage.prepare();
  // Bytes of bool are checked as they are read.
  if (!axes && tensor.readInto && tensor.dtype === variable.dtype && variable.dtype !== 'bool') {
    await tensor.readInto(bytesOf(memory));
    return memory;
  }
  transfer(name, await tensor.read(), { dtype: variable.dtype, data: memory }, axes);
  return memory;
}
