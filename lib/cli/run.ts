import { type Command, CommanderError } from 'commander';
import { report } from './report.js';
import { watchOutput } from './terminal.js';
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
