/** The layer and phase that made a node: a layer's `forward`, or the gradient rules of the nodes made in it. */
export interface Origin {
  /** The path of a module, or a name in brackets for nodes made outside of modules: `conv1`, `(model)`, `(loss)`. */
  readonly layer: string;
  readonly phase: 'forward' | 'backward';
  /** In the backward pass, the kind of the op whose gradient rule made the node. */
  readonly gradientOf?: string;
}

/** The origin of what the gradient rule of a node makes, given the node's kind and origin. */
export function backwardOf(gradientOf: string, origin: Origin | undefined): Origin | undefined {
  return origin && { layer: origin.layer, phase: 'backward', gradientOf };
}
