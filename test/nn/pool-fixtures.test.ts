import { nn } from 'chainrule';
import { describeRecordedLayers } from '../helpers/recorded.js';

const ceilMode = true;
const countIncludePad = false;

describeRecordedLayers('pool_layers', {
  MaxPool1d: () => new nn.MaxPool1d(3, { stride: 2, padding: 1 }),
  'MaxPool1d in ceil mode': () => new nn.MaxPool1d(2, { ceilMode }),
  'MaxPool2d in ceil mode': () => new nn.MaxPool2d([3, 2], { stride: [2, 3], padding: [1, 0], ceilMode }),
  'MaxPool2d of ties in ceil mode': () => new nn.MaxPool2d(3, { stride: 2, ceilMode }),
  'MaxPool2d with dilation': () => new nn.MaxPool2d(3, { stride: [1, 2], padding: 1, dilation: [2, 3] }),
  MaxPool3d: () => new nn.MaxPool3d([2, 3, 2], { stride: [2, 1, 2], padding: [1, 1, 0] }),
  'MaxPool3d in ceil mode': () => new nn.MaxPool3d(2, { dilation: [1, 2, 1], ceilMode }),
  'MaxPool3d of ties': () => new nn.MaxPool3d(3, { stride: 1 }),
  AvgPool1d: () => new nn.AvgPool1d(3, { stride: 2, padding: 1 }),
  'AvgPool1d in ceil mode': () => new nn.AvgPool1d(3, { stride: 2, padding: 1, ceilMode, countIncludePad }),
  'AvgPool2d in ceil mode': () => new nn.AvgPool2d([3, 2], { stride: [2, 3], padding: [1, 0], ceilMode }),
  'AvgPool2d without padding': () => new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad }),
  AvgPool3d: () => new nn.AvgPool3d([2, 3, 2], { stride: [2, 1, 2], padding: [1, 1, 0] }),
  'AvgPool3d without padding in ceil mode': () =>
    new nn.AvgPool3d(2, { stride: [2, 1, 3], padding: 1, ceilMode, countIncludePad }),
  AdaptiveAvgPool1d: () => new nn.AdaptiveAvgPool1d(3),
  AdaptiveAvgPool2d: () => new nn.AdaptiveAvgPool2d([3, 2]),
  'AdaptiveAvgPool2d of equal windows': () => new nn.AdaptiveAvgPool2d([3, 1]),
  'AdaptiveAvgPool2d to more': () => new nn.AdaptiveAvgPool2d([5, 4]),
  AdaptiveMaxPool1d: () => new nn.AdaptiveMaxPool1d(3),
  AdaptiveMaxPool2d: () => new nn.AdaptiveMaxPool2d([3, 4]),
  'AdaptiveMaxPool2d of equal windows': () => new nn.AdaptiveMaxPool2d([3, 1]),
  'AdaptiveMaxPool2d of ties': () => new nn.AdaptiveMaxPool2d([2, 4]),
  LPPool1d: () => new nn.LPPool1d(2, 3, { stride: 2 }),
  LPPool2d: () => new nn.LPPool2d(4, [2, 3]),
  Upsample: () => new nn.Upsample({ scale: 2 }),
  'Upsample of sequences': () => new nn.Upsample({ size: 7 }),
  'Upsample of volumes': () => new nn.Upsample({ scale: [2, 1.5, 0.5] }),
  'Upsample linear': () => new nn.Upsample({ scale: 2.5, mode: 'linear' }),
  'Upsample linear to fewer': () => new nn.Upsample({ size: 3, mode: 'linear', alignCorners: true }),
  'Upsample bilinear': () => new nn.Upsample({ scale: 2, mode: 'bilinear' }),
  'Upsample bilinear to a size': () => new nn.Upsample({ size: [5, 3], mode: 'bilinear' }),
  'Upsample bilinear with corners': () =>
    new nn.Upsample({ scale: [2, 1.7], mode: 'bilinear', alignCorners: true }),
  'Upsample trilinear': () => new nn.Upsample({ scale: [2, 1.5, 1], mode: 'trilinear' }),
  'Upsample bicubic': () => new nn.Upsample({ scale: 2, mode: 'bicubic' }),
  'Upsample bicubic with corners': () =>
    new nn.Upsample({ size: [4, 7], mode: 'bicubic', alignCorners: true }),
  PixelShuffle: () => new nn.PixelShuffle(2),
  PixelUnshuffle: () => new nn.PixelUnshuffle(3),
});
