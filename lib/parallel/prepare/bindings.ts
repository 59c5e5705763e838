import type { Compiled } from '../../compile/compile.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { BoundPlan, SharedMemory, Source } from '../protocol/job.js';

/** Resolves the source of each binding; a variable missing from `places` is read in its own memory. */
export function bindSources(
  { plan, variables, hostScalars }: Compiled,
  inputs: readonly (string | Source)[],
  outputs: readonly Source[],
  places: ReadonlyMap<Variable, Source>,
): BoundPlan {
  if (hostScalars.length > 0) throw invalid('Trainer', 'forward must not depend on values of the host');
  const given = inputs.values();
  const storages = variables.values();
  const results = outputs.values();
  const sources = plan.bindings.map(({ kind }): Source => {
    if (kind === 'constant') return { kind };
    if (kind === 'output') return results.next().value as Source;
    if (kind === 'variable') {
      const variable = storages.next().value as Variable;
      return places.get(variable) ?? ownMemory(variable);
    }
    const source = given.next().value as string | Source;
    return typeof source === 'string' ? { kind: 'local', name: source } : source;
  });
  return { plan, sources };
}

function ownMemory(variable: Variable): Source {
  const { buffer, byteOffset } = variable.storage.data;
  return { kind: 'shared', buffer: buffer as SharedArrayBuffer, byteOffset };
}

/** Source at an element of shared memory. */
export function placeAt(
  { buffer, byteOffset, dtype }: SharedMemory,
  element: number,
): Source & { kind: 'shared' } {
  return { kind: 'shared', buffer, byteOffset: byteOffset + element * bytesPerElement(dtype) };
}
