"""The speed run's entry in PyTorch: trains once and prints a line of JSON. Arguments: the folder of MNIST's files, the
number of threads, and the seed.

As our recipe: the same kind of network, one-cycle rate and smoothed labels, tuned for this library. Images are kept in
memory as floats, and batches are indexed, without a loader. It runs eagerly: torch.compile takes longer than the run.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

EPOCHS, BATCH, RATE, DECAY, SMOOTHING = 1, 128, 0.8, 2e-4, 0.1


def read(folder, part):
    images = np.fromfile(f"{folder}/{part}-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.fromfile(f"{folder}/{part}-labels-idx1-ubyte", np.uint8, offset=8)
    x = torch.from_numpy(images).float().mul_(1 / 79).sub_(0.42)
    return x, torch.from_numpy(labels).long()


def model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.Conv2d(16, 48, 3, bias=False), nn.BatchNorm2d(48), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(4 * 4 * 48, 10),
    )


def main():
    folder, threads, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    x, y = read(folder, "train")
    test_x, test_y = read(folder, "t10k")
    start = time.perf_counter()
    net = model().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=DECAY, fused=True
    )
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps, pct_start=0.2, div_factor=10, final_div_factor=100, cycle_momentum=False
    )
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[rows]), y[rows], label_smoothing=SMOOTHING).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.inference_mode():
        right = sum((net(a).argmax(1) == b).sum().item() for a, b in zip(test_x.split(1000), test_y.split(1000)))
    print(json.dumps({
        "accuracy": right / len(test_y),
        "trainSeconds": time.perf_counter() - start,
        "coreSeconds": time.process_time(),
    }))


main()
