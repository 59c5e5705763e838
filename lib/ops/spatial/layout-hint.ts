import type { Shape } from '../../graph/shapes.js';

/**
 * What a user probably meant by images, sequences or volumes of another layout, to be put behind the rule of an error;
 * empty if nothing is likely.
 *
 * @param ndim number of axes, with samples first and channels last
 * @param channels number of channels, if it is known
 */
export function layoutHint(shape: Shape, ndim: number, channels?: number): string {
  if (channels === undefined) return '';
  const last = shape.at(-1) === channels;
  if (shape.length === ndim - 1) {
    if (last) return '; one sample alone needs an axis in front: x.unsqueeze(0)';
    return channels === 1 ? '; give each sample a last axis for its one channel: x.unsqueeze(-1)' : '';
  }
  if (last || shape.length !== ndim || ndim < 3 || shape[1] !== channels) return '';
  const axes = [0, ...Array.from({ length: ndim - 2 }, (_, i) => i + 2), 1];
  return `; channels come last: x.permute([${axes.join(', ')}])`;
}
