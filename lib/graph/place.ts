/** Where a node comes from: the layer whose `forward` made it, or whose gradient rule did. */
export interface Place {
  /** The path of a module, or a name in brackets for what no module made: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
}

let current: Place | undefined;

/** The place of nodes that are made now; undefined where nobody asked for places. */
export function currentPlace(): Place | undefined {
  return current;
}

/** Runs a function whose nodes have the given place, but for those that an inner call gives another. */
export function within<R>(place: Place | undefined, fn: () => R): R {
  const outer = enter(place);
  try {
    return fn();
  } finally {
    leave(outer);
  }
}

/** Gives nodes the place from now on, until `leave` is called with the place that is returned. */
export function enter(place: Place | undefined): Place | undefined {
  const outer = current;
  current = place ?? outer;
  return outer;
}

/** Ends what `enter` began. */
export function leave(outer: Place | undefined): void {
  current = outer;
}

/** The place of the gradient rule of a node that stands at a place. */
export function backwardOf(place: Place | undefined): Place | undefined {
  return place && { layer: place.layer, phase: 'backward' };
}
