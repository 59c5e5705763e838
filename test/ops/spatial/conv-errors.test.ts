import * as cr from 'chainrule';
import { nn } from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../../helpers/errors.js';

const sequence = cr.ones([1, 4, 2]);
const image = cr.ones([1, 4, 4, 2]);
const volume = cr.ones([1, 2, 4, 4, 2]);
const kernel1 = cr.ones([3, 2, 5]);
const kernel2 = cr.ones([3, 3, 2, 5]);
const kernel3 = cr.ones([2, 3, 3, 2, 5]);
const other = 'both be float32 or both float64';

const convolutions: BadCall[] = [
  ['conv1d of images', () => cr.conv1d(image, kernel1), 'conv1d: sequences must be [N, L, C], got [1,4,4,2]'],
  [
    'conv1d with a matrix',
    () => cr.conv1d(sequence, cr.ones([3, 2])),
    'conv1d: kernels must be [K, C, O], got [3,2]',
  ],
  [
    'conv1d of other channels',
    () => cr.conv1d(sequence, cr.ones([3, 4, 5])),
    'conv1d: input channels differ, [1,4,2] x [3,4,5] ([N,L,C] x [K,C,O]); channels come last: x.permute([0, 2, 1])',
  ],
  [
    'conv1d with a pair',
    () => cr.conv1d(sequence, kernel1, { stride: [1, 2] as unknown as [number] }),
    'conv1d: stride must be an integer, got [1,2]',
  ],
  [
    'conv1d with a wide kernel',
    () => cr.conv1d(sequence, kernel1, { dilation: 2 }),
    'conv1d: a window of 5 does not fit into 4 with a padding of 0',
  ],
  [
    'conv2d with no groups',
    () => cr.conv2d(image, kernel2, { groups: 0 }),
    'conv2d: groups must be a positive integer, got 0',
  ],
  [
    'conv2d with groups that do not fit',
    () => cr.conv2d(image, kernel2, { groups: 2 }),
    'conv2d: groups must divide the 5 output channels, got 2',
  ],
  [
    'conv2d with groups of other channels',
    () => cr.conv2d(image, cr.ones([3, 3, 2, 4]), { groups: 2 }),
    'conv2d: input channels differ, [1,4,4,2] x [3,3,2,4] ([N,H,W,C] x [KH,KW,C/2,O]); channels come last: x.permute([0, 2, 3, 1])',
  ],
  [
    'conv2d with another padding',
    () => cr.conv2d(image, kernel2, { padding: 'full' as 'same' }),
    "conv2d: padding must be an integer or an array of integers or 'same' or 'valid', got full",
  ],
  [
    'conv2d with another border',
    () => cr.conv2d(image, kernel2, { padding: 1, paddingMode: 'mirror' as 'reflect' }),
    "conv2d: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got mirror",
  ],
  [
    'conv2d reflecting too much',
    () => cr.conv2d(image, kernel2, { padding: 4, paddingMode: 'reflect' }),
    'conv2d: reflect padding of 4 elements must be at most 3, got [4,4]',
  ],
  [
    'conv2d going round too much',
    () => cr.conv2d(image, kernel2, { padding: [5, 0], paddingMode: 'circular' }),
    'conv2d: circular padding of 4 elements must be at most 4, got [5,5]',
  ],
  [
    'conv3d of images',
    () => cr.conv3d(image, kernel3),
    'conv3d: volumes must be [N, D, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [1,4,4,2]',
  ],
  [
    'conv3d with a pair',
    () => cr.conv3d(volume, kernel3, { padding: [1, 1] as unknown as [number, number, number] }),
    'conv3d: padding must be an integer or a triple of them, got [1,1]',
  ],
  [
    'conv3d with a deep kernel',
    () => cr.conv3d(volume, kernel3, { dilation: [2, 1, 1] }),
    'conv3d: a window of 3 does not fit into 2 with a padding of 0',
  ],
  [
    'conv3d of other dtypes',
    () => cr.conv3d(volume, kernel3.to('float64')),
    `conv3d: volumes and kernels must ${other}, got [float32,float64]`,
  ],
  [
    'convTranspose1d of other channels',
    () => cr.convTranspose1d(sequence, cr.ones([3, 2, 3])),
    'convTranspose1d: input channels differ, [1,4,2] x [3,2,3] ([N,L,C] x [K,O,C])',
  ],
  [
    'convTranspose1d of nothing',
    () => cr.convTranspose1d(cr.ones([1, 0, 2]), cr.ones([3, 5, 2])),
    'convTranspose1d: every spatial axis must have an element, got [1,0,2]',
  ],
  [
    'convTranspose2d with much output padding',
    () => cr.convTranspose2d(image, cr.ones([3, 3, 5, 2]), { stride: 2, outputPadding: [0, 2] }),
    'convTranspose2d: outputPadding must be less than the stride or the dilation, got [0,2]',
  ],
  [
    'convTranspose2d with much padding',
    () => cr.convTranspose2d(image, cr.ones([3, 3, 5, 2]), { padding: 3 }),
    'convTranspose2d: padding must leave something of the result, got [3,3]',
  ],
  [
    'convTranspose2d with groups that do not fit',
    () => cr.convTranspose2d(image, cr.ones([3, 3, 5, 2]), { groups: 3 }),
    'convTranspose2d: groups must divide the 2 input channels, got 3',
  ],
  [
    'convTranspose3d of images',
    () => cr.convTranspose3d(image, kernel3),
    'convTranspose3d: volumes must be [N, D, H, W, C], got [1,4,4,2]',
  ],
];

const pools: BadCall[] = [
  [
    'maxPool1d of images',
    () => cr.maxPool1d(image, 2),
    'maxPool1d: sequences must be [N, L, C], got [1,4,4,2]',
  ],
  [
    'maxPool1d of a wide window',
    () => cr.maxPool1d(sequence, 3, { dilation: 2 }),
    'maxPool1d: a window of 5 does not fit into 4 with a padding of 0',
  ],
  [
    'maxPool2d with no dilation',
    () => cr.maxPool2d(image, 2, { dilation: 0 }),
    'maxPool2d: dilation must be a positive integer, got 0',
  ],
  [
    'maxPool2d of a window that misses the image',
    () => cr.maxPool2d(cr.ones([1, 1, 4, 1]), [2, 1], { dilation: [4, 1], padding: [2, 0] }),
    'maxPool2d: window 0 must cover an element of the 1 on its axis',
  ],
  [
    'maxPool3d of a deep window',
    () => cr.maxPool3d(volume, 3),
    'maxPool3d: a window of 3 does not fit into 2 with a padding of 0',
  ],
  [
    'avgPool1d of integers',
    () => cr.avgPool1d(sequence.to('int32'), 2),
    'avgPool1d: images must be float32 or float64, got int32',
  ],
  [
    'avgPool3d with much padding',
    () => cr.avgPool3d(volume, 2, { padding: [0, 0, 2] }),
    'avgPool3d: padding must be at most half of the window, got [0,0,2]',
  ],
  [
    'lpPool1d with no exponent',
    () => cr.lpPool1d(sequence, 0, 2),
    'lpPool1d: p must be a positive number, got 0',
  ],
  [
    'lpPool2d of a matrix',
    () => cr.lpPool2d(cr.ones([2, 3]), 2, 2),
    'lpPool2d: images must be [N, H, W, C], got [2,3]',
  ],
  [
    'adaptiveAvgPool1d of images',
    () => cr.adaptiveAvgPool1d(image, 2),
    'adaptiveAvgPool1d: sequences must be [N, L, C], got [1,4,4,2]',
  ],
  [
    'adaptiveAvgPool2d to nothing',
    () => cr.adaptiveAvgPool2d(image, [2, 0]),
    'adaptiveAvgPool2d: size must be a positive integer, got 0',
  ],
  [
    'adaptiveMaxPool1d of nothing',
    () => cr.adaptiveMaxPool1d(cr.ones([1, 0, 2]), 1),
    'adaptiveMaxPool1d: every spatial axis must have an element, got [1,0,2]',
  ],
  [
    'adaptiveMaxPool2d of integers',
    () => cr.adaptiveMaxPool2d(image.to('int32'), 2),
    'adaptiveMaxPool2d: images must be float32 or float64, got int32',
  ],
  [
    'globalAvgPool of a matrix',
    () => cr.globalAvgPool(cr.ones([2, 3])),
    'globalAvgPool: needs at least one axis between the first and the last, got [2,3]',
  ],
  [
    'globalMaxPool of a matrix',
    () => cr.globalMaxPool(cr.ones([2, 3])),
    'globalMaxPool: needs at least one axis between the first and the last, got [2,3]',
  ],
];

const upsampling: BadCall[] = [
  [
    'upsample to nothing',
    () => cr.upsample(image, {}),
    'upsample: either scale or size must be given, got [undefined,undefined]',
  ],
  [
    'upsample by both',
    () => cr.upsample(image, { scale: 2, size: 8 }),
    'upsample: either scale or size must be given, got [2,8]',
  ],
  [
    'upsample by nothing',
    () => cr.upsample(image, { scale: 0 }),
    'upsample: scale must be a positive number or an array of positive numbers, got 0',
  ],
  [
    'upsample away',
    () => cr.upsample(image, { scale: 0.2 }),
    'upsample: scale must leave an element on every axis, got 0.2',
  ],
  [
    'upsample by too many',
    () => cr.upsample(sequence, { scale: [2, 2] }),
    'upsample: scale must be a number or 1 of them, got [2,2]',
  ],
  [
    'upsample to too many',
    () => cr.upsample(sequence, { size: [2, 2] }),
    'upsample: size must be an integer, got [2,2]',
  ],
  [
    'upsample in another mode',
    () => cr.upsample(image, { scale: 2, mode: 'area' as 'nearest' }),
    "upsample: mode must be 'nearest', 'linear', 'bilinear', 'trilinear' or 'bicubic', got area",
  ],
  [
    'upsample sequences bilinearly',
    () => cr.upsample(sequence, { scale: 2, mode: 'bilinear' }),
    "upsample: mode 'bilinear' needs 2 spatial axes, got [1,4,2]",
  ],
  [
    'upsample the nearest with corners',
    () => cr.upsample(image, { scale: 2, alignCorners: true }),
    "upsample: alignCorners is not for mode 'nearest', got true",
  ],
  [
    'upsample integers',
    () => cr.upsample(image.to('int32'), { scale: 2 }),
    'upsample: images must be float32 or float64, got int32',
  ],
  [
    'upsample a matrix',
    () => cr.upsample(cr.ones([2, 2]), { scale: 2 }),
    'upsample: needs one to three axes between the first and the last, got [2,2]',
  ],
  [
    'pixelShuffle of too few channels',
    () => cr.pixelShuffle(image, 2),
    'pixelShuffle: channels must be a multiple of 4, got 2',
  ],
  [
    'pixelShuffle of sequences',
    () => cr.pixelShuffle(sequence, 2),
    'pixelShuffle: images must be [N, H, W, C], got [1,4,2]',
  ],
  [
    'pixelUnshuffle of odd sides',
    () => cr.pixelUnshuffle(image, 3),
    'pixelUnshuffle: height and width must be multiples of 3, got [1,4,4,2]',
  ],
];

const layers: BadCall[] = [
  [
    'Conv1d with an empty kernel',
    () => new nn.Conv1d(1, 1, 0),
    'Conv1d: kernelSize must be a positive integer, got 0',
  ],
  [
    'Conv2d with groups of half a channel',
    () => new nn.Conv2d(3, 4, 1, { groups: 2 }),
    'Conv2d: groups must divide inChannels and outChannels, got 2',
  ],
  [
    'Conv2d with an unknown padding',
    () => new nn.Conv2d(3, 4, 1, { padding: 'full' as 'same' }),
    "Conv2d: padding must be an integer or an array of integers or 'same' or 'valid', got full",
  ],
  [
    'Conv3d with a pair',
    () => new nn.Conv3d(1, 1, [1, 2] as unknown as [number, number, number]),
    'Conv3d: kernelSize must be an integer or a triple of them, got [1,2]',
  ],
  [
    'Conv3d on images',
    () => new nn.Conv3d(2, 1, 1).forward(image),
    'conv3d: volumes must be [N, D, H, W, C]; one sample alone needs an axis in front: x.unsqueeze(0), got [1,4,4,2]',
  ],
  [
    'ConvTranspose1d of no channels',
    () => new nn.ConvTranspose1d(0, 1, 1),
    'ConvTranspose1d: inChannels must be a positive integer, got 0',
  ],
  [
    'ConvTranspose2d with output padding alone',
    () => new nn.ConvTranspose2d(1, 1, 3, { outputPadding: 1 }),
    'ConvTranspose2d: outputPadding must be less than the stride or the dilation, got [1,1]',
  ],
  [
    'ConvTranspose3d with no stride',
    () => new nn.ConvTranspose3d(1, 1, 3, { stride: [1, 0, 1] }),
    'ConvTranspose3d: stride must be a positive integer, got 0',
  ],
  ['MaxPool1d of no window', () => new nn.MaxPool1d(0), 'MaxPool1d: size must be a positive integer, got 0'],
  [
    'MaxPool2d with much padding',
    () => new nn.MaxPool2d(2, { padding: 2 }),
    'MaxPool2d: padding must be at most half of the window, got [2,2]',
  ],
  [
    'MaxPool3d with a pair',
    () => new nn.MaxPool3d([1, 2] as unknown as [number, number, number]),
    'MaxPool3d: size must be an integer or a triple of them, got [1,2]',
  ],
  [
    'AvgPool1d with no stride',
    () => new nn.AvgPool1d(2, { stride: 0 }),
    'AvgPool1d: stride must be a positive integer, got 0',
  ],
  [
    'AvgPool3d on images',
    () => new nn.AvgPool3d(2).forward(image),
    'avgPool3d: volumes must be [N, D, H, W, C], got [1,4,4,2]',
  ],
  [
    'LPPool1d with a NaN',
    () => new nn.LPPool1d(Number.NaN, 2),
    'LPPool1d: p must be a positive number, got NaN',
  ],
  [
    'LPPool2d of no window',
    () => new nn.LPPool2d(2, [0, 1]),
    'LPPool2d: size must be a positive integer, got 0',
  ],
  [
    'AdaptiveAvgPool1d to half',
    () => new nn.AdaptiveAvgPool1d(0.5),
    'AdaptiveAvgPool1d: size must be an integer or an array of integers, got 0.5',
  ],
  [
    'AdaptiveAvgPool2d to nothing',
    () => new nn.AdaptiveAvgPool2d(0),
    'AdaptiveAvgPool2d: size must be a positive integer, got 0',
  ],
  [
    'AdaptiveMaxPool1d to nothing',
    () => new nn.AdaptiveMaxPool1d(0),
    'AdaptiveMaxPool1d: size must be a positive integer, got 0',
  ],
  [
    'AdaptiveMaxPool2d on sequences',
    () => new nn.AdaptiveMaxPool2d(1).forward(sequence),
    'adaptiveMaxPool2d: images must be [N, H, W, C], got [1,4,2]',
  ],
  [
    'GlobalAvgPool of a matrix',
    () => new nn.GlobalAvgPool().forward(cr.ones([2, 3])),
    'globalAvgPool: needs at least one axis between the first and the last, got [2,3]',
  ],
  [
    'GlobalMaxPool of a matrix',
    () => new nn.GlobalMaxPool().forward(cr.ones([2, 3])),
    'globalMaxPool: needs at least one axis between the first and the last, got [2,3]',
  ],
  [
    'Upsample by nothing',
    () => new nn.Upsample({}),
    'Upsample: either scale or size must be given, got [undefined,undefined]',
  ],
  [
    'PixelShuffle by half',
    () => new nn.PixelShuffle(0.5),
    'PixelShuffle: factor must be a positive integer, got 0.5',
  ],
  [
    'PixelUnshuffle by nothing',
    () => new nn.PixelUnshuffle(0),
    'PixelUnshuffle: factor must be a positive integer, got 0',
  ],
];

describe('a bad argument of a convolution, a pooling or an upsampling', () => {
  it.each([...convolutions, ...pools, ...upsampling, ...layers])(
    '%s: the message says what, and the stack where',
    (_, call, message) => {
      expectBadCall(call, message, 'conv-errors.test.ts');
    },
  );
});
