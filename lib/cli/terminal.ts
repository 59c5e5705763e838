import { wrap } from '../text/columns.js';
import { printableJson, printableLines } from '../text/printable.js';
import { TABLE_COLUMNS } from '../text/table.js';

// Output of the commands: whatever they print goes through these functions, which make it safe for a terminal.

type Stream = NodeJS.WriteStream;

/** The narrowest terminal that lines are fitted to. */
const NARROWEST = 20;

/** Streams that nobody reads any more, or that cannot be written. */
const closed = new Set<Stream>();
let saves = false;

/** Prints text without control characters, in lines as wide as the terminal. */
export function say(text: string): void {
  print(process.stdout, text);
}

/** As `say`, on standard error. */
export function complain(text: string): void {
  print(process.stderr, text);
}

/** Prints one line of JSON. */
export function sayJson(value: unknown): void {
  put(process.stdout, printableJson(value));
}

/** Columns of the terminal that a stream is; undefined for a file or a pipe. */
export function terminalColumns(stream: Stream): number | undefined {
  return stream.isTTY ? Math.max(NARROWEST, stream.columns || 80) : undefined;
}

/** Width of tables on standard output. */
export function tableColumns(): number {
  return terminalColumns(process.stdout) ?? TABLE_COLUMNS;
}

function print(stream: Stream, text: string): void {
  const columns = terminalColumns(stream);
  const shown = printableLines(text);
  put(stream, columns === undefined ? shown : wrap(shown, columns));
}

function put(stream: Stream, text: string): void {
  if (!closed.has(stream)) stream.write(`${text}\n`);
}

/** Says that the command does more than print, so that it goes on when nobody reads what it prints. */
export function goOnUnread(): void {
  saves = true;
}

/** Handles output that cannot be written: a closed pipe, as that of `| head`, or a full disk. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (closed.has(process.stdout)) return;
    closed.add(process.stdout);
    const unread = error.code === 'EPIPE';
    if (!unread) complain(`standard output cannot be written: ${error.message}`);
    if (!saves) process.exit(unread ? 0 : 1);
    if (!unread) process.exitCode = 1;
  });
  process.stderr.on('error', () => closed.add(process.stderr));
  // In place of what Node.js prints, with the characters that may be in a message.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => complain(`${name.toLowerCase()}: ${message}`));
}
