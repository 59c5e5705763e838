import { checkpoint } from '../autodiff/checkpoint.js';
import { invalid, requireInteger } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { Sequential } from './layers/structure.js';
import { Module } from './module.js';

/** A layer of a chain: a module, or a function of one tensor. */
export type ChainLayer = Module | ((x: Tensor) => Tensor);

/**
 * A chain of layers cut into stretches, all but the last of which are a `checkpoint`, as
 * `torch.utils.checkpoint.checkpoint_sequential`. The gradient of the last stretch is taken first, so recomputing it
 * would save no memory.
 *
 *     const forward = checkpointSequential(blocks, Math.round(Math.sqrt(blocks.length)));
 *     const y = forward(x);
 *
 * With n equal layers, sqrt(n) stretches need the least memory: the values passed between stretches and those within
 * one (Chen et al. 2016).
 *
 * @param layers modules or functions of one tensor, in an array or a `Sequential`; each reads the result of the one
 *   before
 * @param segments number of stretches, from 1 to the number of layers; their lengths differ by at most one
 */
export function checkpointSequential(
  layers: readonly ChainLayer[] | Sequential,
  segments: number,
): (x: Tensor) => Tensor {
  const chain = layers instanceof Sequential ? layers.namedChildren().map(([, layer]) => layer) : layers;
  if (!Array.isArray(chain) || chain.length === 0) {
    throw invalid('checkpointSequential', 'layers must be an array of layers, or a Sequential', layers);
  }
  const steps = chain.map((layer: unknown, i) => {
    if (layer instanceof Module) return (x: Tensor) => layer.forward(x);
    if (typeof layer === 'function') return layer as (x: Tensor) => Tensor;
    throw invalid('checkpointSequential', `layer ${i} must be a module or a function`, layer);
  });
  requireInteger('checkpointSequential', 'segments', segments, { min: 1, max: steps.length });
  const start = (segment: number) => Math.floor((segment * steps.length) / segments);
  const stretches = Array.from({ length: segments }, (_, i) => {
    const stretch = steps.slice(start(i), start(i + 1));
    const run = (x: Tensor) => stretch.reduce((value, step) => step(value), x);
    return i < segments - 1 ? checkpoint(run) : run;
  });
  return (x) => stretches.reduce((value, stretch) => stretch(value), x);
}
