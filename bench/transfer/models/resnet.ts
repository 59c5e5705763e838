import { type DType, nn, type Tensor } from '../../../lib/index.js';

/** Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes. */
class BasicBlock extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Sequential | null;

  constructor(inputs: number, outputs: number, stride: number, dtype: DType) {
    super();
    const options = { padding: 1, bias: false, dtype };
    this.conv1 = new nn.Conv2d(inputs, outputs, 3, { ...options, stride });
    this.bn1 = new nn.BatchNorm2d(outputs, { dtype });
    this.conv2 = new nn.Conv2d(outputs, outputs, 3, options);
    this.bn2 = new nn.BatchNorm2d(outputs, { dtype });
    this.downsample =
      stride === 1 && inputs === outputs
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
  );

/** Numbers of channels of the four stages. */
export type ResNetWidths = readonly [number, number, number, number];

/** ResNet-18 (He et al. 2016) with the names of torchvision: [N, H, W, 3] -> [N, classes] */
export class ResNet18 extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly fc: nn.Linear;

  constructor([a, b, c, d]: ResNetWidths, classes: number, dtype: DType = 'float32') {
    super();
    this.conv1 = new nn.Conv2d(3, a, 7, { stride: 2, padding: 3, bias: false, dtype });
    this.bn1 = new nn.BatchNorm2d(a, { dtype });
    this.layer1 = stage(a, a, 1, dtype);
    this.layer2 = stage(a, b, 2, dtype);
    this.layer3 = stage(b, c, 2, dtype);
    this.layer4 = stage(c, d, 2, dtype);
    this.fc = new nn.Linear(d, classes, { dtype });
  }

  forward(images: Tensor): Tensor {
    const first = this.bn1.forward(this.conv1.forward(images)).relu();
    const pooled = nn.maxPool2d(first, 3, { stride: 2, padding: 1 });
    const stages = [this.layer1, this.layer2, this.layer3, this.layer4];
    const maps = stages.reduce((x, layer) => layer.forward(x), pooled);
    return this.fc.forward(maps.mean([1, 2]));
  }
}
