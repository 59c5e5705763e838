import type { ConvAttributes } from '../primitives/images/conv.js';
import type { ConvWindow } from './conv-window.js';

/** The options of the last two spatial axes, as the native kernels take them. A missing axis has length 1. */
export function planar(window: ConvWindow, frame: readonly number[]): ConvAttributes {
  const { stride, dilation, groups, algorithm } = window;
  const last = (list: readonly number[], least: number) => [least, ...list].slice(-2) as [number, number];
  return {
    stride: last(stride, 1),
    padding: last(frame, 0),
    dilation: last(dilation, 1),
    groups,
    ...(algorithm === 'direct' && { algorithm }),
  };
}
