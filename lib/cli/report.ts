import { ChainruleError } from '../graph/errors.js';
import { excerptOf, placeOf } from './error-place.js';
import { wordsOf } from './module-advice.js';
import { complain, terminalColumns } from './terminal.js';

/** Most errors behind one that are told. */
const MOST_CAUSES = 5;

/** Prints an error as one line, with what is behind it and the place in the user's code where it was thrown. */
export function report(error: unknown): void {
  complain(wordsOf(error));
  for (const cause of causesOf(error)) complain(`  because of: ${cause.replaceAll('\n', '\n  ')}`);
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

function behind(error: Error): unknown {
  return error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
}
