// What never ends, made of the library of whoever asks: tests have its modules, and programs its few files.

const MOST = 2 ** 31 - 1;

/** @typedef {import('chainrule').Tensor} Tensor */

/** @param {Pick<typeof import('chainrule'), 'nn' | 'scan'>} library */
export function endlessOf({ nn, scan }) {
  /** @type {(body: (x: Tensor) => Tensor) => typeof body} */
  const turn = (body) => (x) => {
    const { carry } = scan(([y = x]) => ({ carry: [body(y)] }), { carry: [x], length: MOST });
    return carry[0] ?? x;
  };

  /** The input, after centuries. */
  const endless = turn(turn((x) => x.mul(0.999)));

  /** Its plan for shards of 3 rows never ends. */
  class Endless extends nn.Module {
    fc = new nn.Linear(6, 3);

    /** @param {Tensor} x */
    forward(x) {
      const y = this.fc.forward(x);
      return x.shape[0] === 3 ? y.add(endless(x.detach()).sum().mul(0)) : y;
    }
  }

  return { endless, Endless };
}
