import { type DType, type nn, optim } from '../../lib/index.js';
import { GPT } from './models/gpt.js';
import { SequenceClassifier } from './models/lstm.js';
import { MobileNetV2 } from './models/mobilenet.js';
import { ResNet18 } from './models/resnet.js';
import { UNet } from './models/unet.js';
import { VisionTransformer } from './models/vit.js';
import { images, type Samples, sentences, walks } from './samples.js';

/** Number of steps of fine-tuning. */
export const STEPS = 10;

/** The seed of the samples of fine-tuning. */
const TUNED_ON = 200;

/** A model with its samples and its fine-tuning, as bench/transfer/pytorch/cases.py has them. */
export interface TransferCase {
  /** What it is called in a table. */
  readonly title: string;
  /** The format of the state dict. */
  readonly suffix: 'pt' | 'safetensors';
  /** Its fine-tuning in words. */
  readonly tuning: string;
  /** The model, with what is frozen in fine-tuning. */
  model(dtype?: DType): nn.Module;
  readonly samples: Samples;
  readonly batchSize: number;
  optimizer(): optim.Optimizer;
}

const kinds = {
  resnet18: {
    title: 'ResNet-18',
    tuning: 'SGD with momentum and decay',
    optimizer: () => optim.sgd({ lr: 1e-3, momentum: 0.9, weightDecay: 1e-4 }),
  },
  mobilenetv2: {
    title: 'MobileNetV2',
    tuning: 'SGD with Nesterov momentum, half of it frozen',
    optimizer: () => optim.sgd({ lr: 1e-3, momentum: 0.9, nesterov: true }),
  },
  vit: {
    title: 'ViT',
    tuning: 'AdamW',
    optimizer: () => optim.adamW({ lr: 1e-4, weightDecay: 0.05 }),
  },
  lstm: {
    title: 'LSTM',
    tuning: 'Adam',
    optimizer: () => optim.adam({ lr: 1e-3 }),
  },
  gpt: {
    title: 'GPT',
    tuning: 'AdamW with groups and a clipped norm',
    optimizer: () => {
      const groups = [
        { match: (_: string, { shape }: { shape: readonly number[] }) => shape.length < 2, weightDecay: 0 },
      ];
      return optim.adamW({ lr: 3e-4, betas: [0.9, 0.95], weightDecay: 0.1, clipNorm: 1, groups });
    },
  },
  unet: {
    title: 'U-Net',
    tuning: 'SGD with momentum',
    optimizer: () => optim.sgd({ lr: 0.01, momentum: 0.9 }),
  },
} as const satisfies Record<string, Pick<TransferCase, 'title' | 'tuning' | 'optimizer'>>;

export type CaseName = keyof typeof kinds;

/** Models as they are used. */
export const fullCases: Readonly<Record<CaseName, TransferCase>> = {
  resnet18: {
    ...kinds.resnet18,
    suffix: 'pt',
    model: (dtype) => new ResNet18([64, 128, 256, 512], 10, dtype),
    samples: images({ size: 64, classes: 10 }),
    batchSize: 16,
  },
  mobilenetv2: {
    ...kinds.mobilenetv2,
    suffix: 'safetensors',
    model: (dtype) => {
      const stages = [
        [1, 16, 1, 1],
        [6, 24, 2, 2],
        [6, 32, 3, 2],
        [6, 64, 4, 2],
        [6, 96, 3, 1],
        [6, 160, 3, 2],
        [6, 320, 1, 1],
      ] as const;
      return new MobileNetV2({ first: 32, stages, last: 1280, classes: 10 }, dtype).freezeFirst(10);
    },
    samples: images({ size: 64, classes: 10 }),
    batchSize: 16,
  },
  vit: {
    ...kinds.vit,
    suffix: 'pt',
    model: (dtype) => {
      const shape = { image: 32, patch: 4, width: 192, heads: 6, layers: 6, classes: 10 };
      return new VisionTransformer(shape, dtype);
    },
    samples: images({ size: 32, classes: 10 }),
    batchSize: 16,
  },
  lstm: {
    ...kinds.lstm,
    suffix: 'safetensors',
    model: (dtype) =>
      new SequenceClassifier({ vocabulary: 2000, embedding: 128, hidden: 128, classes: 5 }, dtype),
    samples: sentences({ length: 40, vocabulary: 2000, classes: 5 }),
    batchSize: 16,
  },
  gpt: {
    ...kinds.gpt,
    suffix: 'pt',
    model: (dtype) => new GPT({ vocabulary: 256, context: 64, width: 192, heads: 6, layers: 6 }, dtype),
    samples: walks({ length: 64, vocabulary: 256 }),
    batchSize: 16,
  },
  unet: {
    ...kinds.unet,
    suffix: 'safetensors',
    model: (dtype) => new UNet([32, 64, 128, 256], 4, dtype),
    samples: images({ size: 64, classes: 4, masks: true }),
    batchSize: 8,
  },
};

/** The same models in few numbers, which the tests compare with a recording. */
export const smallCases: Readonly<Record<CaseName, TransferCase>> = {
  resnet18: {
    ...kinds.resnet18,
    suffix: 'safetensors',
    model: (dtype) => new ResNet18([2, 3, 4, 5], 3, dtype),
    samples: images({ size: 24, classes: 3 }),
    batchSize: 6,
  },
  mobilenetv2: {
    ...kinds.mobilenetv2,
    suffix: 'safetensors',
    model: (dtype) => {
      const stages = [
        [1, 3, 1, 1],
        [3, 4, 2, 2],
        [3, 5, 1, 1],
      ] as const;
      return new MobileNetV2({ first: 4, stages, last: 8, classes: 3 }, dtype).freezeFirst(2);
    },
    samples: images({ size: 12, classes: 3 }),
    batchSize: 6,
  },
  vit: {
    ...kinds.vit,
    suffix: 'safetensors',
    model: (dtype) =>
      new VisionTransformer({ image: 8, patch: 4, width: 8, heads: 2, layers: 2, classes: 3 }, dtype),
    samples: images({ size: 8, classes: 3 }),
    batchSize: 6,
  },
  lstm: {
    ...kinds.lstm,
    suffix: 'safetensors',
    model: (dtype) => new SequenceClassifier({ vocabulary: 20, embedding: 4, hidden: 3, classes: 3 }, dtype),
    samples: sentences({ length: 7, vocabulary: 20, classes: 3 }),
    batchSize: 6,
  },
  gpt: {
    ...kinds.gpt,
    suffix: 'pt',
    model: (dtype) => new GPT({ vocabulary: 12, context: 6, width: 8, heads: 2, layers: 2 }, dtype),
    samples: walks({ length: 6, vocabulary: 12 }),
    batchSize: 6,
  },
  unet: {
    ...kinds.unet,
    suffix: 'safetensors',
    model: (dtype) => new UNet([2, 3, 4, 5], 3, dtype),
    samples: images({ size: 16, classes: 3, masks: true }),
    batchSize: 3,
  },
};

/** The samples of a case's fine-tuning. */
export function tuningSamples({ samples, batchSize }: TransferCase, dtype: DType) {
  return samples(TUNED_ON, STEPS * batchSize, dtype);
}
