/** The value of a polynomial whose coefficients are given from the highest power down. */
function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

/** The cumulative standard normal distribution at `x`, to a few units in the 15th digit, including the tails. */
export function normalShare(x: number): number {
  if (x > 0) return 1 - normalShare(-x);
  if (x < -37.5) return 0;
  const density = Math.exp((-x * x) / 2) / SQRT_TWO_PI;
  return x > -3 ? 0.5 - density * centralSeries(-x) : density * tailFraction(-x);
}

/** The integral of the density from 0 to `x`, divided by the density at `x`: `x + x^3 / 3 + x^5 / (3 * 5) + ...`. */
function centralSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let odd = 3; term > sum * 1e-17; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return sum;
}

/**
 * The tail beyond `x`, divided by the density at `x`: Laplace's continued fraction `1 / (x + 1 / (x + 2 / (x + ...`.
 */
function tailFraction(x: number): number {
  let fraction = x;
  for (let k = 120; k >= 1; k--) fraction = x + k / fraction;
  return 1 / fraction;
}

/**
 * The quantile of the standard normal distribution at `p`, 0 < p < 1, to about 1e-16: algorithm AS 241, PPND16
 * (Wichura 1988).
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(r, CENTRE[0])) / polynomial(r, CENTRE[1]);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const [shift, [above, below]] = r <= 5 ? ([1.6, NEAR] as const) : ([5, FAR] as const);
  return (Math.sign(q) * polynomial(r - shift, above)) / polynomial(r - shift, below);
}

const CENTRE = [
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
    1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
    687.1870074920579, 42.31333070160091, 1,
  ],
] as const;

const NEAR = [
  [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
] as const;

const FAR = [
  [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
] as const;
