import { addScaled, dot, scaled, type Vector } from './vectors.js';

interface Pair {
  readonly step: Vector;
  /** By how much the gradient changed over the step. */
  readonly change: Vector;
  readonly inverse: number;
}

/** Below this a step says nothing of the curvature. */
const LEAST_CURVATURE = 1e-10;

/** The last steps with the changes of the gradient over them: what is known of the inverse of the Hessian. */
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

  /** The inverse Hessian times a vector, by the two loops of Nocedal 1980. */
  applyInverse(vector: Vector): Vector {
    const reduced = vector.slice();
    const shares = this.#pairs.map(() => 0);
    for (let i = this.#pairs.length - 1; i >= 0; i--) {
      const { step, change, inverse } = this.#pairs[i] as Pair;
      const share = dot(step, reduced) * inverse;
      addScaled(reduced, -share, change);
      shares[i] = share;
    }
    const result = scaled(reduced, this.#scale);
    this.#pairs.forEach(({ step, change, inverse }, i) => {
      const share = dot(change, result) * inverse;
      addScaled(result, (shares[i] as number) - share, step);
    });
    return result;
  }
}
