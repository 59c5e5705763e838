import { checkpoint } from '../autodiff/checkpoint.js';
import { checked } from '../graph/arguments/checked.js';
import { either, type Kind, kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { invalid, requireInteger } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { module, requireTensor } from './kinds.js';
import { Sequential } from './layers/structure.js';
import { Module } from './module.js';

/** A layer of a chain: a module, or a function of one tensor. */
export type ChainLayer = Module | ((x: Tensor) => Tensor);

const chainLayer = either(module, kinds.callback<(x: Tensor) => Tensor>());
const chain: Kind<readonly ChainLayer[] | Sequential> = {
  ...kind('an array of layers, or a Sequential', (layers) => {
    const list = layers instanceof Sequential ? chainOf(layers) : layers;
    return Array.isArray(list) && list.length > 0 && placeOfOther(list) < 0;
  }),
  explain(op, _name, layers) {
    if (!Array.isArray(layers)) return undefined;
    const place = placeOfOther(layers);
    return place < 0
      ? undefined
      : invalid(op, `layer ${place} must be a module or a function`, layers[place]);
  },
};

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
export const checkpointSequential = checked(
  'checkpointSequential',
  { layers: chain, segments: kinds.count },
  (layers: readonly ChainLayer[] | Sequential, segments: number): ((x: Tensor) => Tensor) => {
    const steps = chainOf(layers).map((layer, i) => stepOf(layer, i));
    requireInteger('checkpointSequential', 'segments', segments, { min: 1, max: steps.length });
    const start = (segment: number) => Math.floor((segment * steps.length) / segments);
    const stretches = Array.from({ length: segments }, (_, i) => {
      const stretch = steps.slice(start(i), start(i + 1));
      const run = (x: Tensor) => stretch.reduce((value, step) => step(value), x);
      return i < segments - 1 ? checkpoint(run) : run;
    });
    return checked('checkpointSequential', { x: kinds.tensor }, (x: Tensor) =>
      stretches.reduce((value, stretch) => stretch(value), x),
    );
  },
);

/** The place of the first entry that is no layer; -1 if there is none. */
function placeOfOther(layers: readonly unknown[]): number {
  return layers.findIndex((layer) => !chainLayer.accepts(layer));
}

function chainOf(layers: readonly ChainLayer[] | Sequential): readonly ChainLayer[] {
  return layers instanceof Sequential ? layers.namedChildren().map(([, layer]) => layer) : layers;
}

function stepOf(layer: ChainLayer, place: number): (x: Tensor) => Tensor {
  const run = layer instanceof Module ? (x: Tensor) => layer.forward(x) : layer;
  return (x) => requireTensor('checkpointSequential', `layer ${place}`, run(x));
}
