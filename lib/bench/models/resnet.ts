import { at } from '../../graph/at.js';
import { nn } from '../../index.js';

export interface ResNetShape {
  /** Channels of each stage; from the second on, a stage halves the image. */
  readonly widths: readonly number[];
  /** Number of basic blocks in each stage. */
  readonly blocks: number;
  readonly classes: number;
}

/** A residual network (He et al. 2016) for small images [N, H, W, 3], with projections where the shape changes. */
export function resnet({ widths, blocks, classes }: ResNetShape): nn.Module {
  const first = at(widths, 0);
  const stages = widths.flatMap((width, stage) =>
    Array.from({ length: blocks }, (_, i) =>
      i > 0 || stage === 0 ? basicBlock(width, width, 1) : basicBlock(at(widths, stage - 1), width, 2),
    ),
  );
  return new nn.Sequential(
    ...convolution(3, first, 3, 1),
    new nn.ReLU(),
    ...stages,
    new nn.GlobalAvgPool(),
    new nn.Linear(widths.at(-1) as number, classes),
  );
}

function basicBlock(inputs: number, outputs: number, stride: number): nn.Module {
  const inner = new nn.Sequential(
    ...convolution(inputs, outputs, 3, stride),
    new nn.ReLU(),
    ...convolution(outputs, outputs, 3, 1),
  );
  const projection = { shortcut: new nn.Sequential(...convolution(inputs, outputs, 1, stride)) };
  return new nn.Sequential(new nn.Residual(inner, inputs === outputs ? {} : projection), new nn.ReLU());
}

/** A convolution that keeps the size of the image, except for its stride, and batch normalisation. */
function convolution(inputs: number, outputs: number, size: number, stride: number): nn.Module[] {
  const padding = (size - 1) / 2;
  return [
    new nn.Conv2d(inputs, outputs, size, { stride, padding, bias: false }),
    new nn.BatchNorm2d(outputs),
  ];
}
