"""The ops of pytorch_kernels.py by the names that the cases of lib/bench/kernels give them."""

import torch
from torch.nn import functional as F


def matmul(a, b, transposeA, transposeB):
    return torch.matmul(a.mT if transposeA else a, b.mT if transposeB else b)


def reduction(function):
    def reduce(x, axis):
        return function(x) if axis is None else function(x, dim=axis)

    return reduce


def batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def layer_norm(x, weight, bias):
    return F.layer_norm(x, weight.shape, weight, bias)


def attention(query, key, value, causal):
    return F.scaled_dot_product_attention(query, key, value, is_causal=causal)


OPS = {
    "matmul": matmul,
    "conv2d": F.conv2d,
    "maxPool2d": lambda x, size, stride, padding: F.max_pool2d(x, size, stride, padding),
    "avgPool2d": lambda x, size, stride, padding: F.avg_pool2d(x, size, stride, padding),
    "globalAvgPool2d": lambda x: F.adaptive_avg_pool2d(x, 1),
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "exp": torch.exp,
    "dropout": lambda x: F.dropout(x, 0.1),
    "addcmul": lambda a, b, c: torch.addcmul(c, a, b),
    "add": torch.add,
    "sum": reduction(torch.sum),
    "amax": reduction(torch.amax),
    "argmax": reduction(torch.argmax),
    "cumsum": reduction(torch.cumsum),
    "softmax": lambda x: F.softmax(x, -1),
    "logSoftmax": lambda x: F.log_softmax(x, -1),
    "crossEntropy": F.cross_entropy,
    "layerNorm": layer_norm,
    "batchNorm": batch_norm,
    "gather": lambda table, indices: F.embedding(indices, table),
    "scatterAdd": lambda target, indices, updates: target.index_add(0, indices, updates),
    "takeAlong": lambda x, indices: torch.gather(x, 1, indices),
    "argsort": torch.argsort,
    "solve": torch.linalg.solve,
    "permute": lambda x, axes: x.permute(axes).contiguous(),
    "concat": lambda a, b, axis: torch.cat([a, b], axis),
    "pad": lambda x, sides: F.pad(x, sides),
    "double": lambda x: x.double(),
    "attention": attention,
}


class Lstm(torch.nn.LSTM):
    def __init__(self, width, hidden):
        super().__init__(width, hidden, batch_first=True)

    def forward(self, x):
        return super().forward(x)[0]


LAYERS = {"lstm": Lstm}


def convolution_gradients(*wanted):
    def backward(gradient, x, weight, stride, padding, dilation, groups):
        return torch.ops.aten.convolution_backward(
            gradient, x, weight, None, [stride] * 2, [padding] * 2, [dilation] * 2, False, [0, 0], groups, [*wanted, False]
        )

    return backward


CONVOLUTION_GRADIENTS = {
    "conv2dInputGrad": convolution_gradients(True, False),
    "conv2dWeightGrad": convolution_gradients(False, True),
}

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamW": torch.optim.AdamW}


def update(gradient, optimizer):
    parameter = torch.nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient
    return OPTIMIZERS[optimizer]([parameter], lr=1e-3, fused=True).step
