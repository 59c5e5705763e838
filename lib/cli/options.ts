import { InvalidArgumentError, Option } from 'commander';

// Options of several commands, and the parsers of their values.

/** Parses a positive integer. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a positive integer.');
  return value;
}

/** Parses a non-negative integer. */
export function seed(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a non-negative integer.');
  return value;
}

/** Parses a positive number. */
export function share(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

/** Takes a path to write to. One that looks like an option is that option, whose own value was left out. */
export function outputPath(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be a path.');
  if (text.startsWith('-')) throw new InvalidArgumentError(`For a file of that name, write ./${text}.`);
  return text;
}

export const workers = new Option(
  '-w, --workers <n>',
  'threads; as many as there are usable cores by default',
).argParser(positiveInteger);

export const layout = new Option(
  '--layout <layout>',
  'the order of axes in the files; pytorch by default',
).choices(['pytorch', 'chainrule']);

export const shards = new Option(
  '--shards <n>',
  'parts of a batch; the weights depend on their number, not on the workers; chosen by the work of a batch by default',
).argParser(positiveInteger);

export const dropLast = new Option(
  '--drop-last',
  'leave out the samples that do not fill the last batch of an epoch',
);

export const memory = new Option(
  '-m, --memory <size>',
  'budget of training, as 512MB, 1.5GB, or auto for half of what is left; without it, the fastest plan is used',
);
