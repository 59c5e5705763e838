import { at } from '../../graph/at.js';
import { addScaled, dot, scaled, type Vector } from './vectors.js';

interface Pair {
  readonly step: Vector;
  /** Change of the gradient over the step. */
  readonly change: Vector;
  readonly inverse: number;
}

/** Curvature below which a step is ignored. */
const LEAST_CURVATURE = 1e-10;

/** The last steps with the changes of the gradient over them, an approximation of the inverse Hessian. */
export class CurvatureHistory {
  readonly #pairs: Pair[] = [];
  #scale = 1;

  constructor(private readonly size: number) {}

  /** Remembers a step and the change of the gradient over it, if the function curves upwards along it. */
  add(step: Vector, change: Vector): void {
    const curvature = dot(change, step);
    if (!(curvature > LEAST_CURVATURE)) return;
    if (this.#pairs.length === this.size) this.#pairs.shift();
    this.#pairs.push({ step, change, inverse: 1 / curvature });
    this.#scale = curvature / dot(change, change);
  }

  /** The approximate inverse Hessian times a vector, by the two-loop recursion (Nocedal 1980). */
  applyInverse(vector: Vector): Vector {
    const reduced = vector.slice();
    const shares = this.#pairs.map(() => 0);
    for (let i = this.#pairs.length - 1; i >= 0; i--) {
      const { step, change, inverse } = at(this.#pairs, i);
      const share = dot(step, reduced) * inverse;
      addScaled(reduced, -share, change);
      shares[i] = share;
    }
    const result = scaled(reduced, this.#scale);
    this.#pairs.forEach(({ step, change, inverse }, i) => {
      const share = dot(change, result) * inverse;
      addScaled(result, at(shares, i) - share, step);
    });
    return result;
  }
}
