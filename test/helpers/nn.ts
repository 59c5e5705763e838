import { data, nn, type Tensor } from 'chainrule';
import { ResNet20 } from '#examples/lib/resnet.js';
import { hashIntegers, hashUniform } from './random-graph/random.js';

/** The networks of scripts/fixtures/training.py. */
export class MLP extends nn.Module {
  fc1 = new nn.Linear(784, 64);
  fc2 = new nn.Linear(64, 10);

  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x.flatten(1)).relu());
  }
}

export class CNN extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 5, { padding: 2 });
  conv2 = new nn.Conv2d(8, 16, 3);
  fc = new nn.Linear(16 * 6 * 6, 10);

  forward(x: Tensor): Tensor {
    const first = nn.maxPool2d(this.conv1.forward(x).relu(), 2);
    const second = nn.maxPool2d(this.conv2.forward(first).relu(), 2);
    return this.fc.forward(second.flatten(1));
  }
}

/** In float64, so that the order of sums cannot be seen. */
export class BatchNormCNN extends nn.Module {
  conv1 = new nn.Conv2d(1, 4, 3, { stride: 2, padding: 1, bias: false, dtype: 'float64' });
  norm1: nn.BatchNorm2d;
  conv2 = new nn.Conv2d(4, 8, 3, { stride: 2, padding: 1, bias: false, dtype: 'float64' });
  norm2: nn.BatchNorm2d;
  fc1 = new nn.Linear(8 * 7 * 7, 12, { bias: false, dtype: 'float64' });
  norm3: nn.BatchNorm1d;
  fc2 = new nn.Linear(12, 10, { dtype: 'float64' });

  constructor(statistics: 'batch' | 'shard' = 'batch') {
    super();
    const options = { statistics, dtype: 'float64' } as const;
    this.norm1 = new nn.BatchNorm2d(4, options);
    this.norm2 = new nn.BatchNorm2d(8, options);
    this.norm3 = new nn.BatchNorm1d(12, options);
  }

  forward(x: Tensor): Tensor {
    const first = this.norm1.forward(this.conv1.forward(x.to('float64'))).relu();
    const second = this.norm2.forward(this.conv2.forward(first)).relu();
    return this.fc2.forward(this.norm3.forward(this.fc1.forward(second.flatten(1))).relu());
  }
}

/** In float64, on images of 12 x 12 x 3. */
export class SmallResNet20 extends nn.Module {
  network = new ResNet20({ dtype: 'float64' });

  forward(x: Tensor): Tensor {
    const pixels = x.flatten(1).slice([[], [0, 12 * 12 * 3]]);
    return this.network.forward(pixels.reshape([-1, 12, 12, 3]).to('float64'));
  }
}

/** Gives every parameter the values that scripts/fixtures/training.py starts from. */
export function initialiseByFormula<M extends nn.Module>(model: M): M {
  let fan = 1;
  model.parameters().forEach(({ shape, size, storage }, i) => {
    // The fan of a kernel [KH, KW, C, O] leaves out O, that of a matrix [out, in] is in; a bias has its weight's.
    if (shape.length === 4) fan = size / (shape[3] as number);
    if (shape.length === 2) fan = shape[1] as number;
    storage.data.set(hashUniform(size, 100 + i, -(fan ** -0.5), fan ** -0.5));
  });
  return model;
}

/** Noise over one of ten patterns, which the label names, as in scripts/fixtures/training.py. */
export function patternSamples(count: number): data.Dataset {
  const labels = hashIntegers(count, 7, 10);
  const patterns = hashUniform(10 * 784, 8);
  const noise = hashUniform(count * 784, 9);
  const images = Float32Array.from(noise, (value, i) => {
    const pattern = patterns[(labels[Math.floor(i / 784)] as number) * 784 + (i % 784)] as number;
    return 2 * (0.6 * pattern + 0.4 * value) - 1;
  });
  return data.fromArrays(images, Int32Array.from(labels), { inputs: { shape: [28, 28, 1] } });
}

export class Block extends nn.Module {
  fc = new nn.Linear(3, 3);
  forward(x: Tensor): Tensor {
    return this.fc.forward(x).relu();
  }
}

/** Modules in fields, in an array and in a Sequential, and a parameter of its own. */
export class Nested extends nn.Module {
  first = new nn.Conv2d(1, 2, 3, { bias: false });
  blocks = [new Block(), new Block()];
  tail = new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU(), new nn.Linear(2, 1));
  scale = new nn.Parameter([3], { init: nn.init.ones });
  forward(x: Tensor): Tensor {
    return this.tail.forward(this.blocks.reduce((value, block) => block.forward(value), x).mul(this.scale));
  }
}
