"""Times training steps in PyTorch. Reads one scenario name a line, runs a round of steps, prints the ms of a step.

Needs: pip install torch==2.13.0
"""

import sys
import time

import torch
from torch import nn


def perceptron(*widths):
    layers = []
    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers += [nn.Linear(fan_in, fan_out)] + ([nn.ReLU()] if i + 2 < len(widths) else [])
    return nn.Sequential(*layers)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12544, 128), nn.ReLU(), nn.Linear(128, 10),
    )


SCENARIOS = {
    "tiny_mlp": (lambda: perceptron(16, 64, 64, 2), 32, (16,), 2),
    "mnist_mlp": (lambda: perceptron(784, 512, 256, 10), 128, (784,), 10),
    "large_mlp": (lambda: perceptron(1024, 2048, 2048, 2048, 1000), 256, (1024,), 1000),
    "lenet": (lenet, 128, (1, 28, 28), 10),
    "mnist_cnn": (mnist_cnn, 128, (1, 28, 28), 10),
}


class Subject:
    """A model with its data, and a step; the faster of the memory formats is kept."""

    def __init__(self, name, threads):
        torch.set_num_threads(threads)
        formats = [torch.contiguous_format]
        if len(SCENARIOS[name][2]) == 3:
            formats.append(torch.channels_last)
        steps = [self.make_step(name, memory_format) for memory_format in formats]
        for step in steps:
            self.time(step, 3)
        times = [self.time(step, 5) for step in steps]
        self.step = steps[times.index(min(times))]
        self.steps = max(3, round(0.4 / min(times)))

    @staticmethod
    def make_step(name, memory_format):
        make, batch, shape, classes = SCENARIOS[name]
        torch.manual_seed(1)
        model = make()
        x = torch.rand(batch, *shape)
        if memory_format is torch.channels_last:
            model, x = model.to(memory_format=memory_format), x.to(memory_format=memory_format)
        y = torch.randint(classes, (batch,))
        loss_of = nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(x), y).backward()
            optimizer.step()

        return step

    @staticmethod
    def time(step, count):
        start = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - start) / count

    def round(self):
        return 1000 * self.time(self.step, self.steps)


def main():
    subjects = {}
    threads = int(sys.argv[1])
    print(f"PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        name = line.strip()
        if name not in subjects:
            subjects.clear()
            subjects[name] = Subject(name, threads)
        print(subjects[name].round(), flush=True)


if __name__ == "__main__":
    main()
