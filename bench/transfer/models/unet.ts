import { concat, type DType, nn, type Tensor } from '../../../lib/index.js';

/** Twice a 3x3 convolution, batch normalisation and ReLU. */
class DoubleConv extends nn.Module {
  readonly double_conv: nn.Sequential;

  constructor(inputs: number, outputs: number, dtype: DType) {
    super();
    const options = { padding: 1, bias: false, dtype };
    this.double_conv = new nn.Sequential(
      new nn.Conv2d(inputs, outputs, 3, options),
      new nn.BatchNorm2d(outputs, { dtype }),
      new nn.ReLU(),
      new nn.Conv2d(outputs, outputs, 3, options),
      new nn.BatchNorm2d(outputs, { dtype }),
      new nn.ReLU(),
    );
  }

  forward(x: Tensor): Tensor {
    return this.double_conv.forward(x);
  }
}

/** Halves the image. */
class Down extends nn.Module {
  readonly maxpool_conv: nn.Sequential;

  constructor(inputs: number, outputs: number, dtype: DType) {
    super();
    this.maxpool_conv = new nn.Sequential(new nn.MaxPool2d(2), new DoubleConv(inputs, outputs, dtype));
  }

  forward(x: Tensor): Tensor {
    return this.maxpool_conv.forward(x);
  }
}

/** Doubles the image and joins what was kept on the way down. */
class Up extends nn.Module {
  readonly up: nn.ConvTranspose2d;
  readonly conv: DoubleConv;

  constructor(inputs: number, outputs: number, dtype: DType) {
    super();
    this.up = new nn.ConvTranspose2d(inputs, outputs, 2, { stride: 2, dtype });
    this.conv = new DoubleConv(2 * outputs, outputs, dtype);
  }

  forward(x: Tensor, skip: Tensor): Tensor {
    return this.conv.forward(concat([skip, this.up.forward(x)], -1));
  }
}

/** Numbers of channels from the whole image to the smallest one. */
export type UNetWidths = readonly [number, number, number, number];

/** A U-Net (Ronneberger et al. 2015) with batch normalisation: [N, H, W, 3] -> [N, H, W, classes] */
export class UNet extends nn.Module {
  readonly inc: DoubleConv;
  readonly down1: Down;
  readonly down2: Down;
  readonly down3: Down;
  readonly up1: Up;
  readonly up2: Up;
  readonly up3: Up;
  readonly outc: nn.Conv2d;

  constructor([a, b, c, d]: UNetWidths, classes: number, dtype: DType = 'float32') {
    super();
    this.inc = new DoubleConv(3, a, dtype);
    this.down1 = new Down(a, b, dtype);
    this.down2 = new Down(b, c, dtype);
    this.down3 = new Down(c, d, dtype);
    this.up1 = new Up(d, c, dtype);
    this.up2 = new Up(c, b, dtype);
    this.up3 = new Up(b, a, dtype);
    this.outc = new nn.Conv2d(a, classes, 1, { dtype });
  }

  forward(images: Tensor): Tensor {
    const first = this.inc.forward(images);
    const second = this.down1.forward(first);
    const third = this.down2.forward(second);
    const deep = this.up1.forward(this.down3.forward(third), third);
    return this.outc.forward(this.up3.forward(this.up2.forward(deep, second), first));
  }
}
