import { isRecord } from '../graph/arguments/is-record.js';
import { requireKind } from '../graph/arguments/kind.js';
import { invalid } from '../graph/errors.js';
import { module as modelKind } from '../nn/kinds.js';
import { type AnyModule, Module } from '../nn/module.js';
import { type CompareOptions, compare, formatComparison } from '../port/index.js';
import { opOf, requireFile } from './input-file.js';
import { defaultOf } from './load.js';
import { say, sayJson, tableColumns } from './terminal.js';
import { importFile, inUsersCode } from './users-code.js';

export interface CompareCommandOptions extends Pick<CompareOptions, 'layout' | 'tolerance'> {
  /** File of weights that the model is to have. */
  readonly weights?: string;
  readonly json?: boolean;
}

/**
 * Compares the model of a file with recorded activations, and prints the layers as a table, or as one line of JSON.
 *
 * @returns the exit code: 1 if a layer departs
 */
export async function compareCommand(
  file: string,
  activations: string,
  { json = false, ...options }: CompareCommandOptions,
): Promise<number> {
  await requireFile(opOf('compare', activations), activations, /\.(safetensors|npz|pt|pth)$/);
  const model = await modelOf(opOf('compare', file), file);
  const found = await compare(model, activations, options);
  if (json) sayJson(found);
  else say(formatComparison(found, { columns: tableColumns() }));
  return found.first ? 1 : 0;
}

/** The model of a file that exports by default a training module, a function that makes the model, or the model itself. */
async function modelOf(op: string, file: string): Promise<AnyModule> {
  const exported = defaultOf((await importFile(op, file)).default);
  if (exported instanceof Module) return requireKind(op, 'the default export', modelKind, exported);
  const make = isRecord(exported) ? exported.model : exported;
  if (typeof make !== 'function')
    throw invalid(
      op,
      'must export by default a function that makes the model, or an object with model()',
      exported,
    );
  const model = await inUsersCode(op, 'model()', () => make.call(exported));
  return requireKind(op, 'model()', modelKind, model);
}
