import { Argument, Command, Option } from 'commander';
import { describeMachine } from '../../lib/bench/machine.js';
import { positiveInteger, workers } from '../../lib/cli/options.js';
import { StreamedTable } from '../../lib/cli/streamed-table.js';
import { complain, say, sayJson } from '../../lib/cli/terminal.js';
import { usableCores } from '../../lib/parallel/prepare/cores.js';
import { ourEntry, pytorchEntries, usersEntry } from './entries.js';
import { race } from './race.js';
import { cellsOf, textColumns, titles } from './table.js';

/** The first of the seeds; recipes were chosen by others. */
const FIRST_SEED = 201;

interface SpeedrunOptions {
  readonly workers?: number;
  readonly seeds: number;
  readonly json?: boolean;
  readonly peers: boolean;
}

/** The command `speedrun`: the time to 99 % accuracy on MNIST. */
export function speedrunCommand(): Command {
  return new Command('speedrun')
    .description('time the training of MNIST to 99 %, from the start of the process, beside PyTorch')
    .addArgument(new Argument('[modules...]', 'files of training modules that take part').default([], 'none'))
    .addOption(workers)
    .addOption(new Option('-s, --seeds <n>', 'runs of each entry').argParser(positiveInteger).default(10))
    .option('--no-peers', 'run without PyTorch')
    .option('--json', 'print one line of JSON for each entry')
    .exitOverride()
    .action(speedrun);
}

async function speedrun(
  files: readonly string[],
  { workers = usableCores().cores, seeds, json = false, peers }: SpeedrunOptions,
): Promise<void> {
  const machine = describeMachine(workers);
  if (!json) say(`${machine}\n`);
  const others = files.map((file) => usersEntry(file, workers));
  const entries = [ourEntry(workers), ...(peers ? pytorchEntries(workers) : []), ...others];
  const numbers = Array.from({ length: seeds }, (_, i) => FIRST_SEED + i);
  const table = new StreamedTable(titles, textColumns);
  for (const result of await race(entries, numbers, complain)) {
    if (json) sayJson({ ...result, workers, machine });
    else table.print(cellsOf(result));
  }
}
