import { type DType, nn, Trainer, type TypedArray, tensor } from '../../lib/index.js';
import { type TransferCase, tuningSamples } from './cases.js';

/** What a model answers in inference to the first batch of its fine-tuning. */
export async function logitsOf(model: nn.Module, of: TransferCase): Promise<TypedArray> {
  const { inputs } = tuningSamples(of, dtypeOf(model)).take(of.batchSize);
  const { data, dtype, shape } = inputs;
  const logits = await trainerOf(model, of).predict(tensor(data, { shape: [of.batchSize, ...shape], dtype }));
  return await logits.data();
}

/** Fine-tunes a model. Returns the loss of each step. */
export async function fineTune(model: nn.Module, of: TransferCase): Promise<readonly number[]> {
  const losses: number[] = [];
  const options = { batchSize: of.batchSize, shuffle: false };
  for await (const { stepLosses } of trainerOf(model, of).fit(tuningSamples(of, dtypeOf(model)), options))
    losses.push(...stepLosses);
  return losses;
}

function trainerOf(model: nn.Module, { optimizer }: TransferCase): Trainer {
  return new Trainer(model, { loss: nn.crossEntropy, optimizer: optimizer() });
}

function dtypeOf(model: nn.Module): DType {
  return model.parameters()[0]?.dtype ?? 'float32';
}
