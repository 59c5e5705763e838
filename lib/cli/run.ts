import { type Command, CommanderError } from 'commander';

/** Runs a command with the arguments of the process; what goes wrong is a line on standard error and the exit code. */
export async function run(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
    } else {
      console.error(error instanceof Error ? error.message : error);
      if (process.env.CHAINRULE_DEBUG) console.error(error);
      process.exitCode = 1;
    }
  }
}
