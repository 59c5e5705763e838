/** Where a node comes from: the layer whose `forward` made it, or whose gradient rule did. */
export interface Origin {
  /** The path of a module, or a name in brackets for what no module made: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
}

let current: Origin | undefined;

/** The origin of nodes that are made now; undefined where nobody asked for origins. */
export function currentOrigin(): Origin | undefined {
  return current;
}

/** Runs a function whose nodes have the given origin, but for those that an inner call gives another. */
export function withOrigin<R>(origin: Origin | undefined, fn: () => R): R {
  const outer = enterOrigin(origin);
  try {
    return fn();
  } finally {
    leaveOrigin(outer);
  }
}

/** Gives nodes the origin from now on, until `leaveOrigin` is called with the origin that is returned. */
export function enterOrigin(origin: Origin | undefined): Origin | undefined {
  const outer = current;
  current = origin ?? outer;
  return outer;
}

/** Ends what `enterOrigin` began. */
export function leaveOrigin(outer: Origin | undefined): void {
  current = outer;
}

/** The origin of the gradient rule of a node that stands at an origin. */
export function backwardOf(origin: Origin | undefined): Origin | undefined {
  return origin && { layer: origin.layer, phase: 'backward' };
}
