"""The memory sweep's models in PyTorch: peak growth of the process, and time of a step.

    pytorch_memory.py                     all models and ways, each in its own process
    pytorch_memory.py MODEL WAY [BUDGET]  one of them

Ways: plain; checkpoint (torch.utils.checkpoint, sqrt(n) segments); budget (torch.compile with
activation_memory_budget).
"""

import json
import math
import re
import subprocess
import sys
import time

MODELS = ["mlp64", "resnet20", "resnet56", "gpt8", "residual1000"]
BUDGETS = [0.9, 0.7, 0.5, 0.35, 0.25, 0.1]
STEPS = 6


def layers_of(name):
    from pytorch_models import Block, perceptron, resnet
    from torch import nn

    if name == "mlp64":
        return list(perceptron(*[256] * 64, 10)), (2048, 256), None
    if name.startswith("resnet"):
        return list(resnet([16, 32, 64], (int(name[6:]) - 2) // 6)), (64, 3, 32, 32), None
    if name == "residual1000":
        class Residual(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Sequential(nn.Linear(32, 32), nn.Tanh())

            def forward(self, x):
                return x + self.inner(x)

        return [nn.Linear(32, 32), *[Residual() for _ in range(1000)], nn.Linear(32, 10)], (2048, 32), None
    layers = [nn.Embedding(96, 128), *[Block(128, 4) for _ in range(8)], nn.LayerNorm(128), nn.Linear(128, 96)]
    return layers, (32, 64), 96


def status(field):
    with open("/proc/self/status") as file:
        return 1024 * int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.M)[1])


def measure(name, way, budget):
    import torch
    from torch import nn
    from torch.nn import functional as F
    from torch.utils.checkpoint import checkpoint_sequential

    torch.manual_seed(0)
    torch.set_num_threads(2)
    layers, shape, vocabulary = layers_of(name)
    model = nn.Sequential(*layers)
    x = torch.randint(0, vocabulary, shape) if vocabulary else torch.randn(shape)
    y = torch.randint(0, vocabulary or 10, shape if vocabulary else shape[:1])
    if name.startswith("resnet"):
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    forward = model
    if way == "checkpoint":
        segments = round(math.sqrt(len(layers)))
        forward = lambda inputs: checkpoint_sequential(model, segments, inputs, use_reentrant=False)
    if way == "budget":
        import torch._functorch.config

        torch._functorch.config.activation_memory_budget = float(budget)
        forward = torch.compile(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        output = forward(x)
        F.cross_entropy(output.flatten(0, -2), y.flatten()).backward()
        optimizer.step()

    if way == "budget":
        # The compiler's own memory does not count.
        step()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    grown = status("VmHWM") - (before if way != "budget" else 0)
    print(json.dumps({"grown": grown, "milliseconds": 1000 * sorted(times)[STEPS // 2], "whole": way == "budget"}))


def main():
    if len(sys.argv) > 2:
        return measure(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    for name in sys.argv[1:] or MODELS:
        for way in [("plain",), ("checkpoint",), *[("budget", str(budget)) for budget in BUDGETS]]:
            command = [sys.executable, __file__, name, *way]
            try:
                result = subprocess.run(command, capture_output=True, text=True, timeout=240)
                line = result.stdout.strip() or result.stderr.strip().splitlines()[-1]
            except subprocess.TimeoutExpired:
                line = "took more than 240 s"
            print(name, *way, line, flush=True)


main()
