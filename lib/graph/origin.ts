/** Where a node comes from: the layer whose `forward` made it, or whose gradient rule did. */
export interface Origin {
  /** The path of a module, or a name in brackets for what no module made: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
}

let current: Origin | undefined;

/** The place of nodes that are made now; undefined where nobody asked for places. */
export function currentOrigin(): Origin | undefined {
  return current;
}

/** Runs a function whose nodes have the given place, but for those that an inner call gives another. */
export function withOrigin<R>(place: Origin | undefined, fn: () => R): R {
  const outer = enterOrigin(place);
  try {
    return fn();
  } finally {
    leaveOrigin(outer);
  }
}

/** Gives nodes the place from now on, until `leaveOrigin` is called with the place that is returned. */
export function enterOrigin(place: Origin | undefined): Origin | undefined {
  const outer = current;
  current = place ?? outer;
  return outer;
}

/** Ends what `enterOrigin` began. */
export function leaveOrigin(outer: Origin | undefined): void {
  current = outer;
}

/** The place of the gradient rule of a node that stands at a place. */
export function backwardOf(place: Origin | undefined): Origin | undefined {
  return place && { layer: place.layer, phase: 'backward' };
}
