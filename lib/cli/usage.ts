import type { Command, HelpConfiguration } from 'commander';
import { nearestName } from '../graph/arguments/nearest-name.js';
import { wrap } from '../text/columns.js';
import { complain, say, terminalColumns } from './terminal.js';

/** In narrower terminals, what an option does stands below it instead of beside it. */
const BESIDE_COLUMNS = 60;

const INDENT = '  ';

/**
 * Makes a command and its subcommands answer a wrong use with one line, which names the nearest option or command and
 * where the help is, and refuse an option that is given twice.
 */
export function strict(command: Command): void {
  const options = new Map(command.options.map((option) => [option.attributeName(), option.long]));
  const commands = new Map(command.commands.map((one) => [one.name(), one.name()]));
  command
    .showSuggestionAfterError(false)
    .configureHelp(helpFor(terminalColumns(process.stdout) ?? 80))
    .configureOutput({
      writeOut: (text) => say(text.trimEnd()),
      writeErr: (text) => complain(text.trimEnd()),
      outputError(text) {
        const line = text
          .trim()
          .replace(/^error: /, '')
          .replace(/\.$/, '');
        const [, what, name = ''] = /^unknown (option|command) '(.*)'$/.exec(line) ?? [];
        const known = what === 'command' ? commands : options;
        const nearest = what && known.get(nearestName(name, [...known.keys()]) ?? '');
        const hint = nearest ? `; did you mean ${nearest}?` : '';
        complain(`${pathOf(command)}: ${line}${hint} (see ${pathOf(command)} --help)`);
      },
    });
  for (const option of command.options) {
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      if (++given > 1) command.error(`option '${option.flags}' is given twice`);
    });
  }
  for (const inner of command.commands) strict(inner);
}

function helpFor(columns: number): HelpConfiguration {
  if (columns >= BESIDE_COLUMNS) return {};
  return {
    formatItem(term, _termWidth, description) {
      const lines = wrap(description, columns - INDENT.length).replaceAll('\n', `\n${INDENT}`);
      return `${term}\n${INDENT}${lines}`;
    },
  };
}

/** The words that call a command: `chainrule bench scale`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
