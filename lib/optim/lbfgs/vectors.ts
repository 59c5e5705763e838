// Vectors of all parameters, in double precision on the host.

export type Vector = Float64Array<ArrayBuffer>;

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** `a + scale * b`, in a new vector. */
export function plusScaled(a: Vector, scale: number, b: Vector): Vector {
  return a.map((value, i) => value + scale * (b[i] as number));
}

/** Adds `scale * b` to `a`. */
export function addScaled(a: Vector, scale: number, b: Vector): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + scale * (b[i] as number);
}

export function scaled(a: Vector, scale: number): Vector {
  return a.map((value) => scale * value);
}

/** The largest magnitude; NaN if any element is NaN. */
export function largest(a: Vector): number {
  return a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** The sum of the magnitudes. */
export function magnitude(a: Vector): number {
  return a.reduce((sum, value) => sum + Math.abs(value), 0);
}
