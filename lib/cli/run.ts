import { type Command, CommanderError } from 'commander';
import { messageOf } from '../graph/errors.js';

/** Runs a command with the arguments of the process. An error is printed as one line and sets the exit code. */
export async function run(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
    } else {
      console.error(messageOf(error));
      if (process.env.CHAINRULE_DEBUG) console.error(error);
      process.exitCode = 1;
    }
  }
}
