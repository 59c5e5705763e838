import { invalid } from '../graph/errors.js';
import { openTensors } from '../io/open-tensors.js';
import { isFile, labelOfFile } from '../io/random-access.js';
import { inMemory, type StoredTensor } from '../io/stored-tensor.js';
import type { State } from '../nn/state/stored-state.js';
import { firstNames } from '../text/names.js';

/** The name of the model's input. */
const INPUT = 'input';

/** The name of the model's own output. */
export const OUTPUT = 'output';

/** What a model in another framework was given, and what its layers made of it. */
export interface Recording {
  readonly inputs: readonly StoredTensor[];
  /** The names of the inputs, if they are a record. */
  readonly names?: readonly string[];
  /** By the names of the layers. */
  readonly outputs: ReadonlyMap<string, StoredTensor>;
  close(): Promise<void>;
}

/** Opens recorded activations: a file, its bytes, or tensors by name. */
export async function openRecording(activations: string | Uint8Array | State): Promise<Recording> {
  if (!isFile(activations)) {
    return { ...partsOf('the recording', inMemory(activations)), close: async () => {} };
  }
  const file = await openTensors(activations);
  try {
    return { ...partsOf(labelOfFile(activations), file.tensors), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Tells inputs, `input` or `input.0`, `input.1` and so on or `input.user`, from outputs. */
function partsOf(source: string, tensors: ReadonlyMap<string, StoredTensor>): Omit<Recording, 'close'> {
  const outputs = new Map(tensors);
  const inputs: StoredTensor[] = [];
  const take = (name: string): boolean => {
    const tensor = tensors.get(name);
    if (tensor) inputs.push(tensor);
    return outputs.delete(name);
  };
  if (!take(INPUT)) while (take(`${INPUT}.${inputs.length}`));
  const names =
    inputs.length > 0 ? undefined : [...tensors.keys()].filter((name) => name.startsWith(`${INPUT}.`));
  for (const name of names ?? []) take(name);
  const [first, other] = [outputs.get(`${OUTPUT}.0`), outputs.get(OUTPUT)];
  if (first && !other) {
    outputs.set(OUTPUT, first);
    outputs.delete(`${OUTPUT}.0`);
  }
  if (inputs.length > 0) {
    return { inputs, outputs, ...(names && { names: names.map((name) => name.slice(INPUT.length + 1)) }) };
  }
  const found = tensors.size > 0 ? `it has ${firstNames([...tensors.keys()])}` : 'it is empty';
  throw invalid(
    'compare',
    `${source} must have the model's input as input, or input.0, input.1, ... or input.<name> for several; ${found}`,
  );
}
