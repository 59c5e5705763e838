import { Argument, Command } from 'commander';
import { describeMachine } from '../../lib/bench/machine.js';
import { endWith } from '../../lib/cli/run.js';
import { complain, say } from '../../lib/cli/terminal.js';
import { at } from '../../lib/graph/at.js';
import { usableCores } from '../../lib/parallel/prepare/cores.js';
import { type CaseName, fullCases } from './cases.js';
import { runTransfer, type TransferResult } from './compare.js';
import { PyTorchMissing } from './python.js';
import { transferTable, worstWeights } from './table.js';

const names = Object.keys(fullCases) as CaseName[];

/** The command `transfer`: models from PyTorch and back, with the largest differences. */
export function transferCommand(): Command {
  return new Command('transfer')
    .description('compare models that come from PyTorch, are fine-tuned, and go back, with PyTorch itself')
    .addArgument(new Argument('[models...]', 'names of models').choices(names).default([], 'all'))
    .exitOverride()
    .action(transfer);
}

async function transfer(models: readonly CaseName[]): Promise<void> {
  try {
    print(await runTransfer(models.length > 0 ? models : names, complain));
  } catch (error) {
    if (!(error instanceof PyTorchMissing)) throw error;
    complain(error.message);
    endWith(1);
  }
}

function print(results: readonly TransferResult[]): void {
  const { version } = at(results, 0);
  say(`${describeMachine(usableCores().cores)}, beside PyTorch ${version} on 1 thread.\n`);
  say(transferTable(results));
  complain(worstWeights(results));
}
