"""Times single ops in PyTorch, eager, images in both memory formats; see serve.py.

A request names the op, the shapes of its operands as this library stores them, and its other arguments. Images are
[N, H, W, C] and kernels [KH, KW, C, O] there.
"""

import sys

import torch
from torch.nn import functional as F

from serve import serve

ROUND_SECONDS = 0.008


def matmul(shapes, transposeA, transposeB):
    a, b = (torch.rand(shape) for shape in shapes)
    a, b = (x.mT if transposed else x for x, transposed in ((a, transposeA), (b, transposeB)))
    out = a @ b
    return {"eager": lambda: torch.matmul(a, b, out=out)}


OPS = {"matmul": matmul}


def prepare(request):
    arguments = {name: value for name, value in request.items() if name != "op"}
    variants = OPS[request["op"]](**arguments)
    return 0, {name: repeated(call) for name, call in variants.items()}, []


def repeated(call):
    def run(steps):
        with torch.no_grad():
            for _ in range(steps):
                call()

    return run


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve(f"PyTorch {torch.__version__}", prepare, ROUND_SECONDS)
