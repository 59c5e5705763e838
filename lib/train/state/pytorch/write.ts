import { allocate } from '../../../graph/dtype.js';
import type { FileTensor } from '../../../io/file-dtypes.js';
import type { AnyModule } from '../../../nn/index.js';
import type { Parameter } from '../../../nn/parameter.js';
import { inverse, permute, shapeThere } from '../../../nn/state/axes.js';
import type { NamedVariable } from '../../../nn/state/variables.js';
import { betweenSteps, copyOf, type Kept, keptBy, type StateContext, updatesMade } from '../context.js';
import type { WrittenStateDict } from './dict.js';
import { counterpartOf } from './optimizers.js';
import { settingsOf } from './settings.js';
import { variablesByPath } from './variables.js';

/** A trainer's state as PyTorch's `optimizer.state_dict()`. Averages and accumulated gradients have no place in it. */
export async function pytorchState(context: StateContext): Promise<WrittenStateDict> {
  const { optimizer, model, whole } = context;
  const counterpart = counterpartOf('state', optimizer);
  const variables = variablesByPath(context);
  const parameters = new Set([...inOrder(model), ...inOrder(whole)]);
  const names = new Map([...variables].toReversed().map(([path, { variable }]) => [variable, path]));
  return await betweenSteps(context, () => {
    const updates = updatesMade(context);
    const kept = keptBy(context);
    const state: Record<string, Record<string, FileTensor>> = {};
    let index = 0;
    const groups = optimizer.groups.map((_, group) => {
      const own = [...parameters].filter((parameter) => optimizer.groupOf(parameter) === group);
      const params = own.map((parameter) => {
        const slots = kept.flatMap((one): [string, FileTensor][] => {
          if (one.of?.parameter !== parameter) return [];
          const slot = counterpart.slots[one.of?.slot ?? ''];
          const named = variables.get(one.of?.path ?? '');
          return slot === undefined || !named ? [] : [[slot, tensorOf(context, one, named)]];
        });
        // Before its first step an optimiser of PyTorch keeps nothing; that of SGD may not be counted here.
        if (slots.length > 0 && (updates > 0 || slots.some(([, { data }]) => data.some(isNotZero)))) {
          const step: [string, FileTensor][] = counterpart.counts ? [['step', scalar(updates)]] : [];
          state[index] = Object.fromEntries([...step, ...slots]);
        }
        return index++;
      });
      const settings = settingsOf(optimizer, group, counterpart, updates);
      return { ...settings, params, param_names: own.map((parameter) => names.get(parameter) ?? '') };
    });
    return { state, param_groups: groups.filter(({ params }) => params.length > 0) };
  });
}

/** The parameters of a module in the order of PyTorch: its own, then those of the modules in it. */
function inOrder(module: AnyModule): Parameter[] {
  const children = module.namedChildren().map(([, child]) => child);
  const inner = new Set(children.flatMap((child) => child.parameters()));
  const own = module.parameters().filter((parameter) => !inner.has(parameter));
  return [...own, ...children.flatMap(inOrder)];
}

function tensorOf(context: StateContext, kept: Kept, { pytorch }: NamedVariable): FileTensor {
  const { dtype, shape } = kept;
  const data = copyOf(context, kept);
  if (!pytorch) return { dtype, shape: [...shape], data };
  const turned = allocate(dtype, data.length);
  permute(data, shape, inverse(pytorch), turned);
  return { dtype, shape: shapeThere(shape, pytorch), data: turned };
}

function isNotZero(value: number | bigint): boolean {
  return value !== 0;
}

/** A count as PyTorch has it. */
function scalar(value: number): FileTensor {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}
