/** The layer and phase that made a node: a layer's `forward`, or the gradient rules of the nodes made in it. */
export interface Origin {
  /** The path of a module, or a name in brackets for nodes made outside of modules: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
}

let current: Origin | undefined;

/** The origin given to new nodes; undefined where origins are not traced. */
export function currentOrigin(): Origin | undefined {
  return current;
}

/** Runs a function with the given origin for its new nodes. Inner calls may override it. */
export function withOrigin<R>(origin: Origin | undefined, fn: () => R): R {
  const outer = enterOrigin(origin);
  try {
    return fn();
  } finally {
    leaveOrigin(outer);
  }
}

/** Sets the origin of new nodes until `leaveOrigin` is called with the origin that is returned. */
export function enterOrigin(origin: Origin | undefined): Origin | undefined {
  const outer = current;
  current = origin ?? outer;
  return outer;
}

/** Restores the origin that `enterOrigin` returned. */
export function leaveOrigin(outer: Origin | undefined): void {
  current = outer;
}

/** The origin of the gradient of a node with the given origin. */
export function backwardOf(origin: Origin | undefined): Origin | undefined {
  return origin && { layer: origin.layer, phase: 'backward' };
}
