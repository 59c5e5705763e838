/** The layer and phase that made a node: a layer's `forward`, or the gradient rules of the nodes made in it. */
export interface Origin {
  /** The path of a module, or a name in brackets for nodes made outside of modules: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
}

/** The origin of the gradient of a node with the given origin. */
export function backwardOf(origin: Origin | undefined): Origin | undefined {
  return origin && { layer: origin.layer, phase: 'backward' };
}
