import { nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { decode, type Recorded, readFixture } from '../helpers/fixtures.js';
import { expectAlike, type Moments, momentsOf } from '../helpers/moments.js';
import { report } from '../helpers/report.js';

const { init } = nn;
const { torch, draws, values, gains } = readFixture<{
  readonly torch: string;
  /** Each for a matrix [200, 300] and for the kernel of 32 channels to 64 with 3 x 3 taps. */
  readonly draws: Readonly<Record<string, Moments>>;
  readonly values: Readonly<Record<string, Recorded>>;
  readonly gains: Readonly<Record<string, number>>;
}>('initialisers');

const drawing: Record<string, nn.init.Initialiser> = {
  uniform: init.uniform(-0.5, 1.5),
  normal: init.normal(1, 0.3),
  truncatedNormal: init.truncatedNormal(),
  'truncatedNormal of a tail': init.truncatedNormal(0.5, 2, 1, 4),
  xavierUniform: init.xavierUniform(),
  'xavierUniform for tanh': init.xavierUniform(init.gain('tanh')),
  xavierNormal: init.xavierNormal(),
  'xavierNormal for selu': init.xavierNormal(init.gain('selu')),
  kaimingUniform: init.kaimingUniform(),
  'kaimingUniform on fanOut': init.kaimingUniform({ mode: 'fanOut' }),
  'kaimingUniform with slope': init.kaimingUniform({ slope: 0.5 }),
  kaimingNormal: init.kaimingNormal(),
  'kaimingNormal on fanOut': init.kaimingNormal({ mode: 'fanOut' }),
  'kaimingNormal for tanh': init.kaimingNormal({ gain: init.gain('tanh') }),
  lecunUniform: init.lecunUniform,
  lecunNormal: init.lecunNormal,
  orthogonal: init.orthogonal(2),
  sparse: init.sparse(0.3, 0.5),
};

const layers: Record<string, (init: nn.init.Initialiser) => { readonly weight: nn.Parameter }> = {
  matrix: (init) => new nn.Linear(300, 200, { init }).init(5),
  kernel: (init) => new nn.Conv2d(32, 64, 3, { init }).init(5),
};

describe(`initialisers beside PyTorch ${torch}`, () => {
  it('compares every recorded initialiser, and only those', () => {
    const names = Object.keys(drawing).flatMap((name) => [`${name} matrix`, `${name} kernel`]);
    expect(names.filter((name) => name !== 'sparse kernel').sort()).toEqual(Object.keys(draws).sort());
  });

  it.each(Object.entries(draws))('%s has the recorded moments', (name, recorded) => {
    const [, initialiser, kind] = /^(.*) (\w+)$/.exec(name) as unknown as [string, string, string];
    const { weight } = layers[kind]?.(drawing[initialiser] as nn.init.Initialiser) ?? {};
    expectAlike(name, momentsOf(weight?.storage.data ?? []), recorded);
    report(name, 'moments');
  });

  const fixed: Record<string, nn.init.Initialiser> = {
    constant: init.constant(0.7),
    zeros: init.zeros,
    ones: init.ones,
    identity: init.identity,
    dirac: init.dirac(),
    'dirac of groups': init.dirac(2),
  };
  it.each(Object.entries(values))('%s has the recorded values', (name, recorded) => {
    const { storage } = new nn.Parameter(recorded.shape, { init: fixed[name] as nn.init.Initialiser });
    expect([...storage.data]).toEqual([...decode(recorded)]);
    report(name, 'torchValue');
  });

  it.each(Object.entries(gains))('the gain of %s', (name, recorded) => {
    expect(init.gain(name as nn.init.Nonlinearity)).toBeCloseTo(recorded, 14);
    report('gain', 'torchValue');
  });
});
