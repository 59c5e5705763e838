import { nn } from 'chainrule';
import { describeRecordedLayers } from '../helpers/recorded.js';

describeRecordedLayers('conv_layers', {
  Conv1d: () => new nn.Conv1d(3, 4, 3, { stride: 2, padding: 1 }),
  'Conv1d with same padding': () => new nn.Conv1d(2, 3, 4, { padding: 'same', dilation: 2 }),
  'Conv1d with groups': () => new nn.Conv1d(4, 6, 2, { groups: 2, bias: false }),
  'Conv1d circular': () => new nn.Conv1d(2, 2, 3, { padding: 2, paddingMode: 'circular' }),
  'Conv2d with groups': () => new nn.Conv2d(4, 6, [2, 3], { stride: [2, 1], padding: [0, 1], groups: 2 }),
  'Conv2d depthwise': () => new nn.Conv2d(11, 11, 3, { padding: 1, groups: 11 }),
  'Conv2d depthwise with stride': () =>
    new nn.Conv2d(3, 3, [3, 2], { stride: [2, 3], dilation: [1, 2], groups: 3 }),
  'Conv2d with three results for each channel': () => new nn.Conv2d(2, 6, 3, { padding: 'same', groups: 2 }),
  'Conv2d with same padding': () => new nn.Conv2d(2, 3, [4, 3], { padding: 'same', dilation: [1, 2] }),
  'Conv2d with valid padding': () => new nn.Conv2d(2, 3, 2, { padding: 'valid' }),
  'Conv2d reflect': () => new nn.Conv2d(2, 3, 3, { padding: [2, 1], paddingMode: 'reflect' }),
  'Conv2d replicate': () => new nn.Conv2d(2, 3, 3, { stride: 2, padding: 2, paddingMode: 'replicate' }),
  'Conv2d circular with same padding': () =>
    new nn.Conv2d(2, 3, [4, 3], { padding: 'same', paddingMode: 'circular' }),
  Conv3d: () => new nn.Conv3d(2, 3, [2, 3, 2], { stride: [1, 2, 1], padding: [1, 1, 0] }),
  'Conv3d with groups': () => new nn.Conv3d(4, 6, 2, { stride: [2, 1, 1], dilation: [2, 1, 2], groups: 2 }),
  'Conv3d depthwise': () => new nn.Conv3d(3, 3, [3, 2, 3], { padding: 'same', groups: 3 }),
  ConvTranspose1d: () => new nn.ConvTranspose1d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }),
  'ConvTranspose1d with groups': () => new nn.ConvTranspose1d(4, 2, 4, { dilation: 2, groups: 2 }),
  ConvTranspose2d: () =>
    new nn.ConvTranspose2d(3, 5, [3, 2], { stride: [2, 3], padding: [1, 0], outputPadding: [1, 2] }),
  'ConvTranspose2d with groups': () =>
    new nn.ConvTranspose2d(4, 6, 2, { stride: 2, dilation: [1, 3], groups: 2, bias: false }),
  'ConvTranspose2d depthwise': () => new nn.ConvTranspose2d(9, 9, 4, { stride: 2, padding: 1, groups: 9 }),
  'ConvTranspose2d with much output padding': () =>
    new nn.ConvTranspose2d(2, 2, 2, { stride: [1, 2], dilation: [3, 4], outputPadding: [2, 3] }),
  ConvTranspose3d: () =>
    new nn.ConvTranspose3d(2, 3, [3, 2, 2], {
      stride: [2, 1, 2],
      padding: [1, 0, 1],
      outputPadding: [1, 0, 1],
    }),
  'ConvTranspose3d with groups': () =>
    new nn.ConvTranspose3d(4, 4, 2, { stride: [1, 2, 1], dilation: [2, 1, 1], groups: 2 }),
});
