import { assign, grad, nn, ones, optim, tensor } from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const x = ones([2, 3]);
const image = ones([1, 4, 4, 2]);
const labels = tensor(Int32Array.of(0, 1));

const layers: BadCall[] = [
  ['Linear of no inputs', () => new nn.Linear(0, 2), 'Linear: inFeatures must be a positive integer, got 0'],
  [
    'Linear of NaN outputs',
    () => new nn.Linear(2, Number.NaN),
    'Linear: outFeatures must be a positive integer, got NaN',
  ],
  [
    'Linear on other features',
    () => new nn.Linear(4, 2).forward(x),
    'Linear: the last axis of the input must be 4, got [2,3]',
  ],
  [
    'Linear on another dtype',
    () => new nn.Linear(3, 2, { dtype: 'float64' }).forward(x),
    "Linear: the input must be float64 as the weights are; cast('float64') converts it, got float32",
  ],
  [
    'Conv2d of half a channel',
    () => new nn.Conv2d(0.5, 1, 3),
    'Conv2d: inChannels must be a positive integer, got 0.5',
  ],
  [
    'Conv2d to no channels',
    () => new nn.Conv2d(1, 0, 3),
    'Conv2d: outChannels must be a positive integer, got 0',
  ],
  [
    'Conv2d with an empty kernel',
    () => new nn.Conv2d(1, 1, [3, 0]),
    'Conv2d: kernelSize must be a positive integer, got 0',
  ],
  [
    'Conv2d with no stride',
    () => new nn.Conv2d(1, 1, 3, { stride: 0 }),
    'Conv2d: stride must be a positive integer, got 0',
  ],
  [
    'Conv2d with less than no padding',
    () => new nn.Conv2d(1, 1, 3, { padding: -1 }),
    'Conv2d: padding must be a non-negative integer, got -1',
  ],
  [
    'Conv2d with no dilation',
    () => new nn.Conv2d(1, 1, 3, { dilation: 0 }),
    'Conv2d: dilation must be a positive integer, got 0',
  ],
  [
    'Conv2d on other channels',
    () => new nn.Conv2d(3, 1, 3).forward(image),
    'conv2d: input channels differ, [1,4,4,2] x [3,3,3,1] ([N,H,W,C] x [KH,KW,C,O])',
  ],
  [
    'MaxPool2d on a matrix',
    () => new nn.MaxPool2d(2).forward(x),
    'maxPool2d: images must be [N, H, W, C], got [2,3]',
  ],
  [
    'AvgPool2d of a wide window',
    () => new nn.AvgPool2d(5).forward(image),
    'avgPool2d: a window of 5 does not fit into 4 with a padding of 0',
  ],
  [
    'Flatten from a wrong axis',
    () => new nn.Flatten(3).forward(x),
    'flatten: axis must be an integer from -2 to 1, got 3',
  ],
  ['Dropout of everything', () => new nn.Dropout(1), 'Dropout: p must be at least 0 and less than 1, got 1'],
  [
    'Dropout with less than none',
    () => new nn.Dropout(-0.1),
    'Dropout: p must be at least 0 and less than 1, got -0.1',
  ],
  [
    'LogSoftmax on a wrong axis',
    () => new nn.LogSoftmax(4).forward(x),
    'logSoftmax: axis must be an integer from -2 to 1, got 4',
  ],
  [
    'Sigmoid of integers',
    () => new nn.Sigmoid().forward(labels),
    'sigmoid: needs float32 or float64; cast it first, got int32',
  ],
  [
    'Tanh of integers',
    () => new nn.Tanh().forward(labels),
    'tanh: needs float32 or float64; cast it first, got int32',
  ],
  [
    'LeakyReLU of integers',
    () => new nn.LeakyReLU().forward(labels),
    'leakyRelu: needs float32 or float64; cast it first, got int32',
  ],
  [
    'Sequential that does not fit',
    () => new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(3, 1)).forward(x),
    'Linear: the last axis of the input must be 3, got [2,4]',
  ],
  [
    'an unknown fan mode',
    () => new nn.Linear(3, 2, { init: nn.init.kaimingNormal({ mode: 'fan_in' as 'fanIn' }) }).init(),
    "kaimingNormal: mode must be 'fanIn' or 'fanOut', got fan_in",
  ],
];

const losses: BadCall[] = [
  [
    'crossEntropy of too few labels',
    () => nn.crossEntropy(x, tensor(Int32Array.of(1))),
    'crossEntropy: labels must have the shape of the logits without the last axis, got [2,3] and [1]',
  ],
  [
    'crossEntropy of float labels',
    () => nn.crossEntropy(x, ones([2])),
    'crossEntropy: labels must be int32 or uint8, and probabilities of the shape [2,3], got float32[2]',
  ],
  [
    'mseLoss of other shapes',
    () => nn.mseLoss(x, ones([2])),
    'mseLoss: output and target must have one shape, got [2,3] and [2]',
  ],
  [
    'accuracy of other shapes',
    () => nn.accuracy(x, ones([3])),
    'accuracy: labels must have the shape of the logits without the last axis, got [2,3] and [3]',
  ],
  [
    'a label out of range, before training',
    () => nn.crossEntropy.checkTargets(Int32Array.of(0, 3), [3]),
    'crossEntropy: label at position 1 must be from 0 to 2, got 3',
  ],
  [
    'a probability that is NaN, before training',
    () => nn.crossEntropy.checkTargets(Float32Array.of(Number.NaN), [3]),
    'crossEntropy: target at position 0 must be a finite number of at least 0, got NaN',
  ],
];

const weight = new nn.Linear(2, 2).weight;
const rate = 'lr must be a non-negative number or a function of the step';
const optimizers: BadCall[] = [
  ['sgd with a negative rate', () => optim.sgd({ lr: -1 }), `sgd: ${rate}, got -1`],
  [
    'sgd with a momentum of 1',
    () => optim.sgd({ lr: 1, momentum: 1 }),
    'sgd: momentum must be at least 0 and less than 1, got 1',
  ],
  [
    'nesterov without momentum',
    () => optim.sgd({ lr: 1, nesterov: true }),
    'sgd: nesterov needs a momentum and no dampening, got 0',
  ],
  [
    'sgd with negative decay',
    () => optim.sgd({ lr: 1, weightDecay: -1 }),
    'sgd: weightDecay must be a non-negative number, got -1',
  ],
  ['adam with a NaN rate', () => optim.adam({ lr: Number.NaN }), `adam: ${rate}, got NaN`],
  [
    'adam with a beta of 1',
    () => optim.adam({ betas: [0.9, 1] }),
    'adam: betas must be two numbers, each at least 0 and less than 1, got [0.9,1]',
  ],
  [
    'adam with negative eps',
    () => optim.adam({ eps: -1 }),
    'adam: eps must be a non-negative number, got -1',
  ],
  [
    'adamW with negative decay',
    () => optim.adamW({ weightDecay: -1 }),
    'adamW: weightDecay must be a non-negative number, got -1',
  ],
  [
    'stepLR of no steps',
    () => optim.stepLR({ lr: 1, stepSize: 0 }),
    'stepLR: stepSize must be a positive integer, got 0',
  ],
  [
    'cosineLR of half a step',
    () => optim.cosineLR({ lr: 1, steps: 0.5 }),
    'cosineLR: steps must be a positive integer, got 0.5',
  ],
  [
    'constantLR of infinity',
    () => optim.constantLR(Number.POSITIVE_INFINITY),
    'constantLR: lr must be a non-negative number, got Infinity',
  ],
  [
    'a schedule that gives NaN',
    () => optim.sgd({ lr: () => Number.NaN }).scalarsAt(3),
    'sgd: the schedule must give a non-negative number at step 3, got NaN',
  ],
  [
    'a step outside of compile',
    () => optim.adam().step([weight], grad(weight.sum(), [weight])),
    'adam.step: can only be used inside a function given to compile()',
  ],
  ['assign of another shape', () => assign(weight, x), 'assign: shape must be [2,2], got [2,3]'],
  [
    'assign of another dtype',
    () => assign(weight, ones([2, 2], 'float64')),
    'assign: dtype must be float32, got float64',
  ],
];

describe('a bad argument of a layer, a loss or an optimiser', () => {
  it.each([...layers, ...losses, ...optimizers])(
    '%s: the message says what, and the stack where',
    (_, call, message) => {
      expectBadCall(call, message, 'nn-errors.test.ts');
    },
  );
});
