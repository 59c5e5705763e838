import { isRecord } from '../../../graph/arguments/is-record.js';
import { invalid } from '../../../graph/errors.js';
import type { FileTensor } from '../../../io/file-dtypes.js';

/** Settings of a group of parameters as PyTorch has them: `lr`, `weight_decay`, ..., and the indices of its parameters. */
export type ParameterGroupDict = Readonly<Record<string, unknown>>;

/** The tensors that PyTorch keeps for a parameter: `exp_avg`, ..., and `step`. */
export type Slots = Readonly<Record<string, FileTensor | number | null>>;

/** PyTorch's `optimizer.state_dict()`, as `io.readTorch` reads it. */
export interface OptimizerStateDict {
  /** What is kept for each parameter, by index. */
  readonly state: ReadonlyMap<number, Slots> | Readonly<Record<string, Slots>>;
  readonly param_groups: readonly ParameterGroupDict[];
}

/** PyTorch's `optimizer.state_dict()`, as a trainer gives it. */
export interface WrittenStateDict {
  readonly state: Readonly<Record<string, Readonly<Record<string, FileTensor>>>>;
  /** `param_names` has the names of the parameters whose indices are in `params`. */
  readonly param_groups: readonly (ParameterGroupDict & {
    readonly params: readonly number[];
    readonly param_names: readonly string[];
  })[];
}

/** A state dict whose form has been checked. */
export interface OptimizerDict {
  readonly groups: readonly OptimizerGroup[];
  /** What is kept for parameters, by the keys of the groups. */
  readonly state: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface OptimizerGroup {
  readonly settings: ParameterGroupDict;
  /** Keys of its parameters. */
  readonly keys: readonly string[];
  /** The names of its parameters, if the optimiser was given them. */
  readonly names: readonly string[] | undefined;
}

const FORM = 'the state must be { state, param_groups }, as optimizer.state_dict() of PyTorch gives it';
/** Where people put the state of an optimiser, in a checkpoint with more in it. */
const PLACES = ['optimizer_state_dict', 'optimizer', 'optim', 'optimizer_states'];

/** @throws if a value is no state dict of an optimiser */
export function requireDict(op: string, value: object): OptimizerDict {
  const { state, param_groups: groups } = value as Partial<Record<keyof OptimizerStateDict, unknown>>;
  if (!Array.isArray(groups)) {
    const place = PLACES.find((name) => isRecord(value) && isRecord(value[name]));
    throw invalid(op, place === undefined ? FORM : `${FORM}: pass its ${place}`);
  }
  const entries = state instanceof Map ? [...state] : isRecord(state) ? Object.entries(state) : undefined;
  if (!entries) throw invalid(op, FORM, state);
  const kept = entries.map(([key, slots]: [unknown, unknown]) => {
    if (!isRecord(slots))
      throw invalid(op, `state[${String(key)}] must be an object of tensors by name`, slots);
    return [String(key), slots] as const;
  });
  const dict = { groups: groups.map((group, i) => groupOf(op, group, i)), state: new Map(kept) };
  const keys = dict.groups.flatMap((group) => group.keys);
  if (new Set(keys).size < keys.length) throw invalid(op, 'param_groups must have each parameter once');
  const stray = [...dict.state.keys()].find((key) => !keys.includes(key));
  if (stray === undefined) return dict;
  throw invalid(op, `state[${stray}] must be of a parameter in param_groups`);
}

function groupOf(op: string, settings: unknown, i: number): OptimizerGroup {
  const { params, param_names: names } = isRecord(settings) ? settings : {};
  if (!isRecord(settings) || !Array.isArray(params))
    throw invalid(op, `param_groups[${i}] must be an object with a list params`, settings);
  const areNames = Array.isArray(names) && names.every((name) => typeof name === 'string');
  if (names !== undefined && !(areNames && names.length === params.length))
    throw invalid(op, `param_groups[${i}].param_names must be ${params.length} names`, names);
  return { settings, keys: params.map(String), names: areNames ? names : undefined };
}
