"""Times single ops in PyTorch, eager, images in both memory formats; see serve.py.

A request names the op, the operands as this library stores them ([N, H, W, C] images, [KH, KW, C, O] kernels), the places
of the operands whose gradients are computed too, and the op's options.
"""

import sys

import torch

from pytorch_ops import CONVOLUTION_GRADIENTS, LAYERS, OPS, update
from serve import serve

ROUND_SECONDS = 0.008
FORMATS = {"eager": torch.contiguous_format, "eager, channels_last": torch.channels_last}


def tensor_of(values):
    if values["dtype"] == "int32":
        return torch.randint(values["below"], values["shape"])
    return torch.rand(values["shape"])


def operands_of(request, memory_format):
    """The operands, images as [N, C, H, W] and kernels as [O, C, KH, KW]."""
    operands = [tensor_of(values) for values in request["inputs"]]
    axes = {place: (0, 3, 1, 2) for place in request.get("images", [])}
    if "kernel" in request:
        axes[request["kernel"]] = (3, 2, 0, 1)
    # The gradient of a result that is an image, the last operand, is one as well.
    if "gradients" in request and axes and operands[-1].ndim == 4:
        axes[len(operands) - 1] = (0, 3, 1, 2)
    for place, order in axes.items():
        operands[place] = operands[place].permute(order).contiguous(memory_format=memory_format)
    return operands


def call_of(request, memory_format):
    """A function without arguments that runs the op once."""
    operands, options = operands_of(request, memory_format), request.get("options", {})
    if request["op"] == "update":
        return update(*operands, **options)
    if request["op"] in CONVOLUTION_GRADIENTS:
        return lambda: CONVOLUTION_GRADIENTS[request["op"]](*operands, **options)
    layer = LAYERS[request["op"]](**options) if request["op"] in LAYERS else None
    op = layer or OPS[request["op"]]
    options = {} if layer else options
    if "gradients" not in request:
        return lambda: op(*operands, **options)
    *operands, gradient = operands
    wanted = [operands[place].requires_grad_() for place in request["gradients"]]
    wanted += list(layer.parameters()) if layer else []

    def with_gradients():
        with torch.enable_grad():
            result = op(*operands, **options)
            torch.autograd.grad(result, wanted, gradient)

    return with_gradients


def prepare(request, _trying):
    formats = FORMATS if "images" in request else {"eager": torch.contiguous_format}
    calls = {name: call_of(request, memory_format) for name, memory_format in formats.items()}
    return 0, {name: repeated(call) for name, call in calls.items()}, []


def repeated(call):
    def run(steps):
        with torch.no_grad():
            for _ in range(steps):
                call()

    return run


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve(f"PyTorch {torch.__version__}", prepare, ROUND_SECONDS)
