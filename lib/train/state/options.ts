import { isRecord } from '../../graph/arguments/is-record.js';
import { type Kind, kind, listOf } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import { type LoadOptions, loadOptions } from '../../nn/state/options.js';

/**
 * The order in which a PyTorch optimiser was given its parameters: their names; a list of names for each of its groups; or
 * the state dict of the model, if it was given `model.parameters()`.
 */
export type ParameterOrder =
  | readonly string[]
  | readonly (readonly string[])[]
  | Readonly<Record<string, unknown>>;

/**
 * Options of `Trainer.loadState`. Names are those of parameters: `prefix` and `rename` give those of the model for those of
 * the state.
 */
export interface TrainerLoadOptions extends LoadOptions {
  /**
   * With `layout: 'pytorch'`, whose states have no names: the order in which PyTorch's optimiser was given its parameters.
   * Default: the names that an optimiser of `model.named_parameters()` keeps in its groups.
   */
  readonly order?: ParameterOrder;
  /**
   * With `layout: 'pytorch'`: the number of updates that PyTorch's optimiser has made. For SGD alone, which does not count
   * them; needed if the learning rate is a schedule, or with `dampening`.
   */
  readonly updates?: number;
  /**
   * Names of settings in which the optimiser means to differ from that of the state, as `['optimizer.lr']`. A name covers
   * all that belongs to it. Default none.
   */
  readonly allow?: readonly string[];
}

const names = listOf(kinds.string, 'strings');
const order: Kind<ParameterOrder> = kind(
  'the names of the parameters, a list of names for each group, or the state dict of the model',
  (value) => isRecord(value) || names.accepts(value) || listOf(names, 'lists').accepts(value),
);

const anyLoadOptions = optionsOf<TrainerLoadOptions>({
  ...loadOptions.kinds,
  order,
  updates: kinds.index,
  allow: names,
});

export const trainerLoadOptions: Options<TrainerLoadOptions> = {
  ...anyLoadOptions,
  accepts: (value) => anyLoadOptions.accepts(value) && misplacedIn(value) === undefined,
  explain(op, name, value) {
    const misplaced = misplacedIn(value);
    if (misplaced === undefined) return anyLoadOptions.explain?.(op, name, value);
    return invalid(op, `${misplaced} is for states of PyTorch: pass layout: 'pytorch' with it`);
  },
};

/** An option that needs PyTorch's layout, without that. */
function misplacedIn(value: unknown): string | undefined {
  if (!isRecord(value) || value.layout === 'pytorch') return undefined;
  return ['order', 'updates'].find((option) => value[option] !== undefined);
}
