import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at } from '../../lib/graph/at.js';
import { type DType, io, type nn } from '../../lib/index.js';
import { type CaseName, fullCases, type TransferCase } from './cases.js';
import {
  type Difference,
  differenceOf,
  type Numbers,
  seriesDifference,
  type WeightDifference,
  type Weights,
  weightDifference,
} from './differences.js';
import { type Checked, pytorch, type Recorded } from './python.js';
import { fineTune, logitsOf } from './run.js';

/** The largest differences of what a model answers and learns from what PyTorch recorded. */
interface Apart {
  readonly logits: Difference;
  /** In relation to the loss of the step. */
  readonly losses: number;
  readonly weights: WeightDifference;
}

/** What was found of a model. */
export interface TransferResult extends Recorded, Checked {
  readonly of: TransferCase;
  readonly float32: Apart;
  readonly float64: Apart;
  /** The weights of PyTorch in float32 from those in float64. */
  readonly own: WeightDifference;
  /** What PyTorch answers with our weights after fine-tuning, from what we do. */
  readonly back: Difference;
}

/** Takes models from PyTorch and back, in a temporary folder. */
export async function runTransfer(
  names: readonly CaseName[],
  remark: (line: string) => void,
): Promise<TransferResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'transfer-'));
  try {
    const recorded: Recorded[] = [];
    for await (const record of pytorch('record', folder, names)) {
      remark(`${record.name}: recorded`);
      recorded.push(record);
    }
    const tuned: Tuned[] = [];
    for (const name of names) {
      tuned.push(await tune(join(folder, name), fullCases[name]));
      remark(`${name}: fine-tuned`);
    }
    const results: TransferResult[] = [];
    for await (const checked of pytorch('check', folder, names)) {
      const { of, logits, ...found } = at(tuned, results.length);
      const back = differenceOf(
        numbersOf(await tensorsOf(`${join(folder, checked.name)}.back`), 'logits'),
        logits,
      );
      results.push({ ...at(recorded, results.length), ...checked, of, ...found, back });
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Tuned = Awaited<ReturnType<typeof tune>>;

/** Loads, saves, fine-tunes and saves a model in float32, and repeats it in float64. */
async function tune(path: string, of: TransferCase) {
  const model = of.model();
  await model.load(`${path}.${of.suffix}`, { layout: 'pytorch' });
  await model.save(`${path}.again.safetensors`, { layout: 'pytorch' });
  const float32 = await apart(path, model, of, 'float32');
  await model.save(`${path}.tuned.safetensors`, { layout: 'pytorch' });
  const logits = await logitsOf(model, of);
  const wide = of.model('float64');
  await wide.load(`${path}.${of.suffix}`, { layout: 'pytorch' });
  const float64 = await apart(path, wide, of, 'float64');
  const own = weightDifference(
    await tensorsOf(`${path}.float32.after`),
    await tensorsOf(`${path}.float64.after`),
  );
  return { of, float32, float64, own, logits };
}

/** Compares a model that was just loaded with PyTorch's, and fine-tunes it. */
async function apart(path: string, model: nn.Module, of: TransferCase, dtype: DType): Promise<Apart> {
  const expected = await tensorsOf(`${path}.${dtype}.expected`);
  const logits = differenceOf(await logitsOf(model, of), numbersOf(expected, 'logits'));
  const losses = seriesDifference(await fineTune(model, of), numbersOf(expected, 'losses'));
  const after = await tensorsOf(`${path}.${dtype}.after`);
  return { logits, losses, weights: weightDifference(await model.state({ layout: 'pytorch' }), after) };
}

async function tensorsOf(path: string): Promise<Weights> {
  return (await io.readSafetensors(`${path}.safetensors`)).tensors;
}

function numbersOf(tensors: Weights, name: string): Numbers {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`PyTorch's side wrote no ${name}`);
  return tensor.data;
}
