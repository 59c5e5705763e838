import { type DType, nn, type Tensor } from 'chainrule';

const convolution = (inputs: number, outputs: number, stride: number, dtype: DType) =>
  new nn.Conv2d(inputs, outputs, 3, { stride, padding: 1, bias: false, dtype });

/** Two 3 x 3 convolutions and a shortcut, which is a 1 x 1 convolution where the shape changes. */
class BasicBlock extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Sequential | null;

  constructor(inputs: number, outputs: number, stride: number, dtype: DType) {
    super();
    this.conv1 = convolution(inputs, outputs, stride, dtype);
    this.bn1 = new nn.BatchNorm2d(outputs, { dtype });
    this.conv2 = convolution(outputs, outputs, 1, dtype);
    this.bn2 = new nn.BatchNorm2d(outputs, { dtype });
    this.downsample =
      inputs === outputs
        ? null
        : new nn.Sequential(
            new nn.Conv2d(inputs, outputs, 1, { stride, bias: false, dtype }),
            new nn.BatchNorm2d(outputs, { dtype }),
          );
  }

  forward(x: Tensor): Tensor {
    const shortcut = this.downsample ? this.downsample.forward(x) : x;
    const inner = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2.forward(this.conv2.forward(inner)).add(shortcut).relu();
  }
}

const stage = (inputs: number, outputs: number, stride: number, dtype: DType) =>
  new nn.Sequential(
    new BasicBlock(inputs, outputs, stride, dtype),
    new BasicBlock(outputs, outputs, 1, dtype),
    new BasicBlock(outputs, outputs, 1, dtype),
  );

export interface ResNetShape {
  /** Number of classes. Default 10. */
  readonly classes?: number;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

/**
 * The 20-layer residual network for 32 x 32 images of K. He, X. Zhang, S. Ren & J. Sun, "Deep residual learning for
 * image recognition" (2016), section 4.2: 19 convolutions, in three stages of 16, 32 and 64 maps, and a dense layer.
 * At a change of shape, the shortcut is a projection (the paper's option B; its figures for CIFAR-10 are with
 * option A, which has no parameters). Names are those of torchvision's ResNets.
 */
export class ResNet20 extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly fc: nn.Linear;

  constructor({ classes = 10, dtype = 'float32' }: ResNetShape = {}) {
    super();
    this.conv1 = convolution(3, 16, 1, dtype);
    this.bn1 = new nn.BatchNorm2d(16, { dtype });
    this.layer1 = stage(16, 16, 1, dtype);
    this.layer2 = stage(16, 32, 2, dtype);
    this.layer3 = stage(32, 64, 2, dtype);
    this.fc = new nn.Linear(64, classes, { dtype });
  }

  /** [N, 32, 32, 3] -> [N, classes] */
  forward(images: Tensor): Tensor {
    const first = this.bn1.forward(this.conv1.forward(images)).relu();
    const last = this.layer3.forward(this.layer2.forward(this.layer1.forward(first)));
    return this.fc.forward(last.mean([1, 2]));
  }
}
