import { unknownName } from '../../../graph/arguments/options.js';
import { fullName, type KernelCase } from '../kernel-case.js';
import { attentionCases, indexCases, normalisationCases } from './composites.js';
import { convCases } from './conv.js';
import { copyCases, mapCases, reductionCases } from './elementwise.js';
import { batchedCases, matmulCases } from './matmul.js';
import { matmulSumCases } from './matmul-sum.js';
import { packingCases } from './packing.js';
import { poolCases } from './pool.js';
import { loopCases, updateCases } from './stateful.js';

const all: readonly KernelCase[] = [
  ...matmulCases,
  ...batchedCases,
  ...matmulSumCases,
  ...convCases,
  ...packingCases,
  ...poolCases,
  ...mapCases,
  ...reductionCases,
  ...normalisationCases,
  ...updateCases,
  ...indexCases,
  ...copyCases,
  ...attentionCases,
  ...loopCases,
];

/** The names of all families. */
export const families: readonly string[] = [...new Set(all.map(({ family }) => family))];

/** The cases of all families, in the order in which they run. */
export const kernelCases: readonly KernelCase[] = families.flatMap((name) =>
  all.filter(({ family }) => family === name),
);

/** The cases of the named families; all if no names are given. */
export function chooseKernels(names: readonly string[]): readonly KernelCase[] {
  const unknown = names.find((name) => !families.includes(name));
  if (unknown !== undefined) throw unknownName('bench kernels', 'kernel', unknown, families);
  return names.length === 0 ? kernelCases : kernelCases.filter(({ family }) => names.includes(family));
}

const byName = new Map(kernelCases.map((one) => [fullName(one), one]));

/** The case of a full name. */
export function kernelNamed(name: string): KernelCase {
  const found = byName.get(name);
  if (!found) throw new Error(`bench kernels: there is no ${name}`);
  return found;
}
