import { isRecord } from '../../graph/arguments/is-record.js';
import { type Kind, kind } from '../../graph/arguments/kind.js';
import type { StateOptions } from '../../nn/state/options.js';
import type { State } from '../../nn/state/stored-state.js';
import type { StateContext } from './context.js';
import type { TrainerLoadOptions } from './options.js';
import { ownState, prepareOwn } from './own.js';
import type { OptimizerStateDict, WrittenStateDict } from './pytorch/dict.js';
import { preparePytorch } from './pytorch/read.js';
import { pytorchState } from './pytorch/write.js';
import type { TrainerLoadReport } from './report.js';

/** A state in either layout, which is checked further where it is loaded. */
export const stateKind: Kind<State | OptimizerStateDict> = kind(
  'what trainer.state() gives, or the state of a PyTorch optimiser',
  isRecord,
);

/** The state of a trainer, in either layout. */
export async function stateOf(
  context: StateContext,
  { layout }: StateOptions,
): Promise<State | WrittenStateDict> {
  if (!context.calls.busy) context.memory.current();
  return layout === 'pytorch' ? await pytorchState(context) : await ownState(context);
}

/** Loads a state into a trainer that no call uses: all of it that is to be loaded, or nothing if anything fails. */
export async function loadInto(
  context: StateContext,
  state: State | OptimizerStateDict,
  options: TrainerLoadOptions,
): Promise<TrainerLoadReport> {
  context.memory.current();
  const prepare = options.layout === 'pytorch' ? preparePytorch : prepareOwn;
  const { report, commit } = await prepare(context, state, options);
  const more = commit();
  return { ...report, hints: [...report.hints, ...more] };
}
