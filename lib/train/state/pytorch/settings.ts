import { differencesOf } from '../../../checkpoint/differences.js';
import type { Plain } from '../../../checkpoint/fingerprint.js';
import { at } from '../../../graph/at.js';
import type { FileTensor } from '../../../io/file-dtypes.js';
import { tensorData } from '../../../io/kinds.js';
import type { Optimizer } from '../../../optim/index.js';
import { rateAt } from '../../../optim/schedule.js';
import type { SettingDifference } from '../report.js';
import type { OptimizerDict, ParameterGroupDict } from './dict.js';
import { type Counterpart, DECOUPLED } from './optimizers.js';

/** A group of ours and one of PyTorch's that have a parameter in common. */
export interface GroupPair {
  readonly ours: number;
  readonly theirs: number;
}

/** How much rates may differ: schedules of PyTorch multiply step by step, which rounds. */
const RATE_ROUNDING = 1e-6;

/** The settings in which groups of an optimiser differ from those of PyTorch. @param update that comes next */
export function settingDifferences(
  optimizer: Optimizer,
  { groups }: OptimizerDict,
  counterpart: Counterpart,
  pairs: readonly GroupPair[],
  update: number,
): SettingDifference[] {
  return pairs.flatMap(({ ours, theirs }) => {
    const where = groups.length === 1 ? 'the state' : `param_groups[${theirs}]`;
    const { settings } = at(groups, theirs);
    const saved: Record<string, Plain> = {};
    const here: Record<string, Plain> = {};
    for (const [key, value] of Object.entries(settingsOf(optimizer, ours, counterpart, update))) {
      // A version of PyTorch may lack it.
      if (!(key in settings)) continue;
      const name = nameOf(prefixOf(optimizer, ours), key, counterpart);
      here[name] = shown(key, value);
      saved[name] = shown(key, isSame(key, value, settings[key]) ? value : plainOf(settings[key]));
    }
    return differencesOf(saved, here, where);
  });
}

/** The names of all settings that are compared. */
export function settingNames(optimizer: Optimizer, counterpart: Counterpart): string[] {
  return optimizer.groups.flatMap((_, group) =>
    Object.keys(settingsOf(optimizer, group, counterpart, 0)).map((key) =>
      nameOf(prefixOf(optimizer, group), key, counterpart),
    ),
  );
}

/** The settings of a group as PyTorch has them. */
export function settingsOf(
  { groups }: Optimizer,
  index: number,
  { name, settings }: Counterpart,
  update: number,
): Record<string, Plain> {
  const { rule, schedule } = at(groups, index);
  const own = Object.entries(settings).map(([ours, theirs]) => [theirs, plainOf(rule.settings?.[ours])]);
  return {
    lr: rateAt(rule.name, { schedule, step: update }),
    ...Object.fromEntries(own),
    maximize: false,
    ...(name.startsWith('Adam') ? { [DECOUPLED]: name === 'AdamW' } : {}),
  };
}

/** Settings of PyTorch's groups that change nothing but its speed, or that others follow from. */
const inert = ['params', 'param_names', 'initial_lr', 'foreach', 'fused', 'capturable', 'differentiable'];

/** Settings of a group that are not read, which schedulers and programs add. */
export function unreadIn(settings: ParameterGroupDict, counterpart: Counterpart): string[] {
  const read = ['lr', 'maximize', DECOUPLED, ...Object.values(counterpart.settings), ...inert];
  return Object.keys(settings).filter((key) => !read.includes(key));
}

/** As a checkpoint's fingerprint calls a group. */
function prefixOf({ groups }: Optimizer, group: number): string {
  return group === groups.length - 1 ? 'optimizer' : `optimizer.groups[${group}]`;
}

/** Our name of a setting. Whether the decay is decoupled tells one optimiser from another. */
function nameOf(prefix: string, key: string, { settings }: Counterpart): string {
  if (key === DECOUPLED) return prefix;
  return `${prefix}.${Object.keys(settings).find((name) => settings[name] === key) ?? key}`;
}

function shown(key: string, value: Plain): Plain {
  return key === DECOUPLED ? (value === true ? 'AdamW' : 'Adam') : value;
}

/** True for the same value, but for the rounding of tensors and of schedules. */
function isSame(key: string, ours: Plain, theirs: unknown): boolean {
  if (Array.isArray(ours) && Array.isArray(theirs))
    return ours.length === theirs.length && ours.every((one, i) => isSame(key, one, theirs[i]));
  const given = plainOf(theirs);
  if (typeof ours !== 'number' || typeof given !== 'number') return ours === given;
  if (isScalar(theirs) && theirs.dtype === 'float32' && Math.fround(ours) === given) return true;
  return ours === given || (key === 'lr' && Math.abs(ours - given) <= RATE_ROUNDING * Math.abs(ours));
}

function plainOf(value: unknown): Plain {
  if (isScalar(value)) return Number(value.data[0]);
  if (Array.isArray(value)) return value.map(plainOf);
  return value === null || ['number', 'boolean', 'string'].includes(typeof value)
    ? (value as Plain)
    : String(value);
}

/** True for a tensor of one number, as rates and steps may be. */
export function isScalar(value: unknown): value is FileTensor {
  return tensorData.accepts(value) && (value as FileTensor).data.length === 1;
}
