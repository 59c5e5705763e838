"""Times steps in PyTorch: eager in both memory formats, and compiled; see serve.py.

Needs: pip install torch==2.13.0, and a C++ compiler for torch.compile.
"""

import sys

import torch
from torch.nn import functional as F

from pytorch_models import MODELS
from serve import reason_of, serve

OPTIMIZERS = {"adam": torch.optim.Adam, "adamW": torch.optim.AdamW}


def tensor_of(values, batch):
    """Random values; images are channels-first."""
    shape = values["shape"]
    if len(shape) == 3:
        shape = [shape[2], *shape[:2]]
    if values["dtype"] == "int32":
        return torch.randint(values["below"], (batch, *shape))
    return torch.rand(batch, *shape)


def make(scenario, memory_format, compiled):
    """A variant, run(steps), and the number of its model's parameters."""
    torch.manual_seed(1)
    batch = scenario["batchSize"]
    model = MODELS[scenario["name"]]()
    x = tensor_of(scenario["inputs"], batch)
    if memory_format is torch.channels_last:
        model, x = model.to(memory_format=memory_format), x.to(memory_format=memory_format)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    step = predicting(model, x, compiled) if scenario["kind"] == "predict" else training(model, x, scenario, compiled)

    def run(steps):
        for _ in range(steps):
            step()

    return run, parameters


def predicting(model, x, compiled):
    model.eval()
    forward = torch.compile(model) if compiled else model

    def step():
        with torch.inference_mode():
            forward(x)

    return step


def training(model, x, scenario, compiled):
    y = tensor_of(scenario["targets"], scenario["batchSize"])
    optimizer = OPTIMIZERS[scenario["optimizer"]](model.parameters(), lr=1e-3, fused=True)

    def loss_of(x, y):
        return F.cross_entropy(model(x).flatten(0, -2), y.flatten())

    loss = torch.compile(loss_of) if compiled else loss_of

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(x, y).backward()
        optimizer.step()

    return step


def prepare(scenario, trying):
    torch._dynamo.reset()
    variants, remarks, parameters = {}, [], None
    formats = {"": torch.contiguous_format}
    if len(scenario["inputs"]["shape"]) == 3:
        formats[", channels_last"] = torch.channels_last
    for compiled in (False, True):
        for suffix, memory_format in formats.items():
            name = ("compiled" if compiled else "eager") + suffix
            if name in scenario.get("without", []):
                continue
            trying(name)
            try:
                run, parameters = make(scenario, memory_format, compiled)
                run(1)
                variants[name] = run
            except Exception as error:  # Whatever fails, the other variants still count.
                remarks.append(f"{name} failed: {reason_of(error)}")
                if compiled:
                    break
    return parameters, variants, remarks


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve(f"PyTorch {torch.__version__}", prepare)
