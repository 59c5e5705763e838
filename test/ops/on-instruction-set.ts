import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * What a program of `helpers/programs/instruction-sets` prints on an instruction set, which holds for a whole process: a
 * line of JSON for each of the cases that it is given.
 *
 * @param more further variables of its environment
 */
export function onInstructionSet<R>(
  isa: string,
  program: string,
  cases: readonly unknown[],
  more: NodeJS.ProcessEnv = {},
): R[] {
  const script = fileURLToPath(new URL(`../helpers/programs/instruction-sets/${program}`, import.meta.url));
  const env = { ...process.env, CHAINRULE_ISA: isa, ...more };
  const output = execFileSync(process.execPath, [script, JSON.stringify(cases)], { env, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
