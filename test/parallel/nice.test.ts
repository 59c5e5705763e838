import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { mlp, points } from '../helpers/training.js';

/** The number of threads of this process at each niceness. */
function nicenesses(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const thread of readdirSync('/proc/self/task')) {
    // The name, in brackets, may hold spaces; the niceness is the 19th field.
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    const nice = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    counts.set(nice, (counts.get(nice) ?? 0) + 1);
  }
  return counts;
}

describe.skipIf(process.platform !== 'linux')('the option nice', () => {
  const trainer = (nice?: number) =>
    new Trainer(mlp(), {
      loss: nn.crossEntropy,
      optimizer: optim.sgd({ lr: 0.1 }),
      workers: 2,
      shards: 2,
      ...(nice === undefined ? {} : { nice }),
    });

  it('makes the workers stand back, and no other thread', async () => {
    const before = nicenesses();
    for await (const _ of trainer(17).fit(points(64), { epochs: 2 }))
      expect(nicenesses().get(Math.min(19, getPriority() + 17))).toBe(2);
    for await (const _ of trainer().fit(points(64)))
      expect([...nicenesses().keys()]).toEqual([...before.keys()]);
  });

  it('is a whole number from 0 to 19', () => {
    expect(() => trainer(-1)).toThrow('Trainer: nice must be');
    expect(() => trainer(20)).toThrow('Trainer: nice must be');
  });
});
