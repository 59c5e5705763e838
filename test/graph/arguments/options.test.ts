import { describe, expect, it } from 'vitest';
import { listOf, requireKind } from '#lib/graph/arguments/kind.js';
import * as kinds from '#lib/graph/arguments/kinds.js';
import { needed, optionsOf } from '#lib/graph/arguments/options.js';

interface Inner {
  readonly dir: string;
}
interface Fit {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly lr: number;
  readonly checkpoint?: Inner;
  readonly groups?: readonly Inner[];
}
const inner = optionsOf<Inner>({ dir: needed(kinds.string) });
const fit = optionsOf<Fit>({
  epochs: kinds.count,
  batchSize: kinds.count,
  lr: needed(kinds.positive),
  checkpoint: inner,
  groups: listOf(inner, 'objects'),
});
const read = (given: unknown) => () => requireKind('fit', 'options', fit, given);

describe('an options object', () => {
  it('returns options that are known and of their kinds', () => {
    expect(read({ lr: 1, epochs: undefined })()).toEqual({ lr: 1 });
    expect(read(Object.assign(Object.create(null), { lr: 1 }))().lr).toBe(1);
  });

  it.each([
    ['batchsize', 'batchSize'],
    ['batch_size', 'batchSize'],
    ['batchSzie', 'batchSize'],
    ['learningRate', 'lr'],
    ['num_epochs', 'epochs'],
    ['epoch', 'epochs'],
  ])('suggests the nearest name for %s', (given, meant) => {
    expect(read({ lr: 1, [given]: 1 })).toThrow(`fit: unknown option ${given}; did you mean ${meant}?`);
  });

  it('lists the options where no name is near', () => {
    expect(read({ lr: 1, colour: 'red' })).toThrow(
      'fit: unknown option colour; the options are epochs, batchSize, lr, checkpoint, groups',
    );
  });

  it('refuses an unknown option whose value is undefined, and one that is inherited', () => {
    expect(read({ lr: 1, batchsize: undefined })).toThrow('unknown option batchsize');
    expect(read(Object.create({ lr: 1, batchsize: 4 }))).toThrow('unknown option batchsize');
  });

  it('checks values, and names the place of one within another', () => {
    expect(read({ lr: 1, epochs: 0 })).toThrow('fit: epochs must be a positive integer, got 0');
    expect(read({})).toThrow('fit: lr must be a positive number, got undefined');
    expect(read({ lr: 1, checkpoint: { dir: 3 } })).toThrow('fit: checkpoint.dir must be a string, got 3');
    expect(read({ lr: 1, groups: [{ dir: 'a' }, { dri: 'b' }] })).toThrow(
      'fit: unknown option groups[1].dri; did you mean groups[1].dir?',
    );
  });

  it.each([[null], [[1]], [1], [new Map()], ['x'], [() => 1]])('refuses %s', (given) => {
    expect(read(given)).toThrow('fit: options must be a plain object');
  });
});
