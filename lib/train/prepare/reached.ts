import { invalid } from '../../graph/errors.js';
import type { Trace } from '../../graph/trace.js';
import { makerOf } from '../../nn/maker.js';
import { modeOf, modeOwner } from '../../nn/modes.js';
import { type AnyModule, Module } from '../../nn/module.js';
import { modulesOf } from '../../nn/module-tree.js';
import { enumerate } from '../../text/names.js';
import { userName } from './held.js';

/** A module whose mode a trace read, and the layer that read it, where it is known. */
export type Unreached = readonly [module: AnyModule, layer: string | undefined];

/** All modules of a model, as those whose modes they have. */
export function moduleSet(model: AnyModule): ReadonlySet<object> {
  return new Set([...modulesOf(model).values()].map(modeOwner));
}

/**
 * The modules whose mode a trace read, which are in training and not among those of the model. While the model is in
 * inference, these are the ones that its `eval()` does not reach.
 */
export function unreached(modules: ReadonlySet<object>, { modesRead }: Trace): Unreached[] {
  return [...modesRead].flatMap(([module, { layer }]): Unreached[] => {
    const { training, kept } = modeOf(module);
    const counts = module instanceof Module && !modules.has(modeOwner(module)) && training && !kept;
    return counts ? [[module, layer]] : [];
  });
}

/** @throws if there are modules that `eval()` does not reach, which would draw random numbers in inference as well */
export function requireReached(found: readonly Unreached[]): void {
  if (found.length === 0) return;
  const made = found.some(([module]) => makerOf(module).trace !== undefined);
  const remedy = made
    ? 'make them in the constructor, in a field of the model, instead of in each call of forward'
    : 'keep each in a public field of its module, or in an array or plain object there, or name it in the option ' +
      'extraModules; or else call its eval()';
  const rule =
    'there are layers in training that the model does not hold, so they would be in training in inference as well';
  throw invalid('Trainer', `${rule}: ${enumerate([...new Set(found.map(describe))])}; ${remedy}`);
}

/** A module as `Dropout (made at net.mjs:5:20, used in encoder)`. */
function describe([module, layer]: Unreached): string {
  const { place } = makerOf(module);
  const facts = [
    ...(place === undefined ? [] : [`made at ${place}`]),
    ...(layer === undefined ? [] : [`used in ${userName(layer)}`]),
  ];
  return `${module.constructor.name}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}
