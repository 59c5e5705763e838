import { type Command, CommanderError } from 'commander';
import { ChainruleError } from '../graph/errors.js';
import { excerptOf, placeOf } from './error-place.js';
import { wordsOf } from './module-advice.js';
import { complain, terminalColumns, watchOutput } from './terminal.js';
import { strict } from './usage.js';

/**
 * Runs a command with the arguments of the process. An error is printed as one line, with the place in the user's code
 * where it was thrown, and sets the exit code.
 */
export async function run(program: Command): Promise<void> {
  watchOutput();
  strict(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) endWith(error.exitCode);
    else {
      report(error);
      endWith(1);
    }
  }
}

/** Sets the exit code of the process, unless it has failed already. */
export function endWith(code: number): void {
  process.exitCode ||= code;
}

function report(error: unknown): void {
  complain(wordsOf(error));
  for (const cause of causesOf(error)) complain(`  because of: ${cause}`);
  const place = placeOf(error);
  if (place) complain(excerptOf(place, terminalColumns(process.stderr) ?? 120));
  if (process.env.CHAINRULE_DEBUG) console.error(error);
}

/** The messages of the errors behind one: those of the library quote what is behind them, and others do not. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  for (let one = error; one instanceof Error && causes.length < MOST_CAUSES; one = behind(one)) {
    const next = behind(one);
    if (next !== undefined && !(one instanceof ChainruleError)) causes.push(wordsOf(next));
  }
  return causes;
}

const MOST_CAUSES = 5;

function behind(error: Error): unknown {
  return error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
}
