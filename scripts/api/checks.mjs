// The comparisons of the tests by public name, read from the file that test/helpers/report.ts writes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/run.mjs';

/** @typedef {'value' | 'gradient' | 'second' | 'torchValue' | 'torchGradient' | 'moments'} Comparison */
/** The worst relative error of each comparison. @typedef {Partial<Record<Comparison, number>>} Checks */

/** The file in which a whole run of the tests leaves its report. */
export const reportPath = join(root, 'build/checks.jsonl');

/** @returns {Map<string, Checks>} */
export function readChecks() {
  /** @type {Map<string, Checks>} */
  const checks = new Map();
  if (!existsSync(reportPath)) return checks;
  for (const line of readFileSync(reportPath, 'utf8').trimEnd().split('\n')) {
    /** @type {{ name: string, comparison: Comparison, error: number }} */
    const { name, comparison, error } = JSON.parse(line);
    const known = checks.get(name) ?? {};
    checks.set(name, { ...known, [comparison]: Math.max(error, known[comparison] ?? 0) });
  }
  return checks;
}

/** Modules whose public functions and layers compute something that an oracle must have confirmed. */
const proven = /^(graph\/leaf|ops\/|nn\/layers\/|nn\/losses|nn\/init|optim\/)/;
/** Names without a number to compare: base classes, and the leaves of the graph. */
const exempt = new Set(['LBFGS', 'Optimizer', 'Variable']);

/** True if a public name needs a check. @param {import('./public-names.mjs').PublicName} name */
export function needsCheck({ name, kind, module }) {
  return proven.test(module) && kind !== 'value' && !exempt.has(name);
}
