/** One axis of a window that moves over an image. */
export interface WindowAxis {
  /** Of the image. */
  readonly length: number;
  /** Places of the window. */
  readonly places: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** The pairs of a place and a tap of the window that meet an element of the image, and not its padding. */
export function pairsInside({ length, places, kernel, stride, padding, dilation }: WindowAxis): number {
  let pairs = 0;
  for (let tap = 0; tap < kernel; tap++) {
    // Places p with 0 <= p * stride + shift < length.
    const shift = tap * dilation - padding;
    const first = Math.max(0, Math.ceil(-shift / stride));
    const end = Math.min(places, Math.ceil((length - shift) / stride));
    pairs += Math.max(0, end - first);
  }
  return pairs;
}
