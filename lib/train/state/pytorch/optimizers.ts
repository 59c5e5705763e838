import { invalid } from '../../../graph/errors.js';
import type { Optimizer } from '../../../optim/index.js';
import { enumerate } from '../../../text/names.js';
import type { OptimizerDict, ParameterGroupDict } from './dict.js';

/** An optimiser of PyTorch that one of ours is the same as. */
export interface Counterpart {
  /** Its class. */
  readonly name: string;
  /** Its names of the tensors that our rule keeps. The tensors are the same. */
  readonly slots: Readonly<Record<string, string>>;
  /** Its names of our settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** True if it counts its steps. */
  readonly counts: boolean;
}

const adam = {
  slots: { mean: 'exp_avg', square: 'exp_avg_sq', largestSquare: 'max_exp_avg_sq' },
  settings: { betas: 'betas', eps: 'eps', amsgrad: 'amsgrad', weightDecay: 'weight_decay' },
  counts: true,
};

const counterparts: Readonly<Record<string, Counterpart>> = {
  sgd: {
    name: 'SGD',
    slots: { momentum: 'momentum_buffer' },
    settings: {
      momentum: 'momentum',
      dampening: 'dampening',
      nesterov: 'nesterov',
      weightDecay: 'weight_decay',
    },
    counts: false,
  },
  adam: { name: 'Adam', ...adam },
  amsGrad: { name: 'Adam', ...adam },
  adamW: { name: 'AdamW', ...adam },
  rmsProp: {
    name: 'RMSprop',
    slots: { square: 'square_avg', mean: 'grad_avg', momentum: 'momentum_buffer' },
    settings: {
      alpha: 'alpha',
      eps: 'eps',
      momentum: 'momentum',
      centered: 'centered',
      weightDecay: 'weight_decay',
    },
    counts: true,
  },
};

/**
 * The counterpart of an optimiser.
 *
 * @throws if PyTorch has none whose state is known here
 */
export function counterpartOf(op: string, { groups, name }: Optimizer): Counterpart {
  const known = Object.hasOwn(counterparts, name) ? counterparts[name] : undefined;
  const isKnown = groups.every(
    ({ rule }) =>
      rule.name === name && !rule.whole && rule.state.every((slot) => slot in (known?.slots ?? {})),
  );
  if (known && isKnown) return known;
  throw invalid(op, `layout 'pytorch' is for ${enumerate(Object.keys(counterparts))}`, name);
}

/** The setting by which PyTorch tells AdamW from Adam, in versions that have it. */
export const DECOUPLED = 'decoupled_weight_decay';

/** Settings that single optimisers of PyTorch have. */
const telling: readonly (readonly [setting: string, name: string])[] = [
  ['nesterov', 'SGD'],
  ['amsgrad', 'Adam'],
  ['centered', 'RMSprop'],
  ['momentum_decay', 'NAdam'],
  ['rho', 'Adadelta'],
  ['lr_decay', 'Adagrad'],
  ['lambd', 'ASGD'],
  ['etas', 'Rprop'],
  ['beta2_decay', 'Adafactor'],
  ['line_search_fn', 'LBFGS'],
];

/** @throws if a state is that of another optimiser, whose tensors have other meanings; Adam's and AdamW's are the same */
export function requireOfKind(op: string, { groups }: OptimizerDict, { name }: Counterpart): void {
  for (const { settings } of groups) {
    const found = nameOf(settings);
    if (found === name || (found === 'Adam' && name === 'AdamW')) continue;
    throw invalid(
      op,
      `the state must be one of PyTorch's ${name}, as the trainer's optimiser is`,
      `one of ${found}`,
    );
  }
}

function nameOf(settings: ParameterGroupDict): string {
  return telling.find(([setting]) => setting in settings)?.[1] ?? 'another optimiser';
}
