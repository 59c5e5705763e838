import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { layoutHint } from '../../ops/spatial/layout-hint.js';

/**
 * Checks that an input has one of several layouts, channels last.
 *
 * @param layouts names of the axes before the channels, as in `N,H,W`
 * @param channels number of channels, or their name if any number will do
 */
export function requireLayout(
  op: string,
  x: Tensor,
  layouts: readonly string[],
  channels: number | string,
): void {
  const fits = layouts.some((layout) => layout.split(',').length + 1 === x.ndim);
  if (fits && (typeof channels === 'string' || x.shape.at(-1) === channels)) return;
  const shapes = layouts.map((layout) => `[${layout},${channels}]`);
  const [layout = ''] = layouts;
  const ndim = layout.split(',').length + 1;
  const hint =
    layouts.length === 1
      ? layoutHint(x.shape, ndim, typeof channels === 'number' ? channels : undefined)
      : '';
  throw invalid(op, `input must be ${shapes.join(' or ')}${hint}`, x.shape);
}
