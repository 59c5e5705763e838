"""The six models with their data and their fine-tuning, as bench/transfer/cases.ts has them."""

import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F

from images import MobileNetV2, ResNet18, UNet
from sequences import GPT, SequenceClassifier, VisionTransformer

# The formula of random numbers, which chainrule's side shares.
sys.path.insert(0, str(Path(__file__).parents[3] / 'scripts'))
from fixtures.common import hash_integers, hash_uniform, to_nchw, to_nhwc  # noqa: E402

STEPS = 10
# Samples of the model's first training, and of its fine-tuning.
PRETRAINED_ON, TUNED_ON = 100, 200

Case = namedtuple('Case', 'model samples batch suffix pretrain optimizer frozen clip', defaults=[None, None])


def images(seed, count, size, classes, masks=False):
    """Noise over the pattern of a class, [N, H, W, 3], and the classes, or for each pixel a class that the pattern gives."""
    area = size * size
    labels = hash_integers(count, seed + 1, classes)
    patterns = hash_uniform(classes * area * 3, 2).reshape(classes, area * 3)
    noise = hash_uniform(count * area * 3, seed + 2).reshape(count, area * 3)
    pixels = 2 * (0.2 * patterns[labels] + 0.8 * noise) - 1
    targets = labels
    if masks:
        targets = np.floor(patterns[labels][:, ::3] * classes).astype(np.int64).reshape(count, size, size)
    return torch.tensor(pixels.reshape(count, size, size, 3)).float(), torch.tensor(targets)


def sentences(seed, count, length, vocabulary, classes):
    """Tokens [N, T] whose range depends on the class."""
    labels = hash_integers(count, seed + 1, classes)
    noise = hash_uniform(count * length, seed + 2).reshape(count, length)
    shares = 0.3 * labels[:, None] / classes + 0.7 * noise
    return torch.tensor(np.floor(vocabulary * shares).astype(np.int64)), torch.tensor(labels)


def walks(seed, count, length, vocabulary):
    """Tokens [N, T] that go on by a step of their own, and the token that comes next to each."""
    starts = hash_integers(count, seed + 1, vocabulary)[:, None]
    strides = hash_integers(count, seed + 2, 2)[:, None] + 1
    tokens = torch.tensor((starts + strides * np.arange(length + 1)) % vocabulary)
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def sgd(lr, **options):
    return lambda model: optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr, **options)


def adam(lr, **options):
    return lambda model: optim.Adam(model.parameters(), lr=lr, **options)


def adam_w(lr, weight_decay):
    return lambda model: optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)


def adam_w_by_shape(lr, weight_decay, **options):
    """Decay for matrices alone, as it is usual for transformers."""

    def make(model):
        parameters = list(model.parameters())
        matrices = [p for p in parameters if p.ndim >= 2]
        groups = [
            {'params': matrices, 'weight_decay': weight_decay},
            {'params': [p for p in parameters if p.ndim < 2], 'weight_decay': 0.0},
        ]
        return optim.AdamW(groups, lr=lr, **options)

    return make


STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

FULL = {
    'resnet18': Case(
        model=lambda: ResNet18([64, 128, 256, 512], 10),
        samples=lambda seed, count: images(seed, count, 64, 10),
        batch=16,
        suffix='pt',
        pretrain=sgd(0.02, momentum=0.9),
        optimizer=sgd(1e-3, momentum=0.9, weight_decay=1e-4),
    ),
    'mobilenetv2': Case(
        model=lambda: MobileNetV2(32, STAGES, 1280, 10),
        samples=lambda seed, count: images(seed, count, 64, 10),
        batch=16,
        suffix='safetensors',
        pretrain=adam(1e-3),
        optimizer=sgd(1e-3, momentum=0.9, nesterov=True),
        frozen=10,
    ),
    'vit': Case(
        model=lambda: VisionTransformer(32, 4, 192, 6, 6, 10),
        samples=lambda seed, count: images(seed, count, 32, 10),
        batch=16,
        suffix='pt',
        pretrain=adam(2e-4),
        optimizer=adam_w(1e-4, 0.05),
    ),
    'lstm': Case(
        model=lambda: SequenceClassifier(2000, 128, 128, 5),
        samples=lambda seed, count: sentences(seed, count, 40, 2000, 5),
        batch=16,
        suffix='safetensors',
        pretrain=adam(2e-3),
        optimizer=adam(1e-3),
    ),
    'gpt': Case(
        model=lambda: GPT(256, 64, 192, 6, 6),
        samples=lambda seed, count: walks(seed, count, 64, 256),
        batch=16,
        suffix='pt',
        pretrain=adam(2e-3),
        optimizer=adam_w_by_shape(3e-4, 0.1, betas=(0.9, 0.95)),
        clip=1.0,
    ),
    'unet': Case(
        model=lambda: UNet([32, 64, 128, 256], 4),
        samples=lambda seed, count: images(seed, count, 64, 4, masks=True),
        batch=8,
        suffix='safetensors',
        pretrain=adam(3e-3),
        optimizer=sgd(0.01, momentum=0.9),
    ),
}


def small(name, batch=6, suffix='safetensors', **changes):
    return FULL[name]._replace(batch=batch, suffix=suffix, **changes)


SMALL = {
    'resnet18': small(
        'resnet18',
        model=lambda: ResNet18([2, 3, 4, 5], 3),
        samples=lambda seed, count: images(seed, count, 24, 3),
    ),
    'mobilenetv2': small(
        'mobilenetv2',
        model=lambda: MobileNetV2(4, [(1, 3, 1, 1), (3, 4, 2, 2), (3, 5, 1, 1)], 8, 3),
        samples=lambda seed, count: images(seed, count, 12, 3),
        frozen=2,
    ),
    'vit': small(
        'vit',
        model=lambda: VisionTransformer(8, 4, 8, 2, 2, 3),
        samples=lambda seed, count: images(seed, count, 8, 3),
    ),
    'lstm': small(
        'lstm',
        model=lambda: SequenceClassifier(20, 4, 3, 3),
        samples=lambda seed, count: sentences(seed, count, 7, 20, 3),
    ),
    'gpt': small(
        'gpt',
        suffix='pt',
        model=lambda: GPT(12, 6, 8, 2, 2),
        samples=lambda seed, count: walks(seed, count, 6, 12),
    ),
    'unet': small(
        'unet',
        batch=3,
        model=lambda: UNet([2, 3, 4, 5], 3),
        samples=lambda seed, count: images(seed, count, 16, 3, masks=True),
    ),
}


def pretrained(case, steps):
    """A model after some training, so that no weights and no statistics are those of a new one."""
    model = case.model()
    train(model, case._replace(optimizer=case.pretrain, frozen=None, clip=None), PRETRAINED_ON, steps)
    return model


def tuned(model, case):
    """The losses of fine-tuning a model."""
    return train(model, case, TUNED_ON, STEPS)


def train(model, case, seed, steps):
    inputs, targets = case.samples(seed, steps * case.batch)
    model.train()
    if case.frozen:
        # With its statistics: as freeze() of chainrule.
        model.features[: case.frozen].requires_grad_(False).eval()
    optimizer = case.optimizer(model)
    losses = []
    for x, y in zip(inputs.split(case.batch), targets.split(case.batch)):
        optimizer.zero_grad()
        output = answer(model, x)
        loss = F.cross_entropy(output.flatten(0, -2), y.flatten())
        loss.backward()
        if case.clip:
            nn.utils.clip_grad_norm_(model.parameters(), case.clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


def answer(model, x):
    """The logits of a model with channels last, as chainrule has them."""
    if not x.is_floating_point():
        return model(x)
    output = model(to_nchw(x).to(next(model.parameters()).dtype))
    return to_nhwc(output) if output.ndim == 4 else output


def logits(model, case):
    """What the model answers in inference to the first batch of its fine-tuning."""
    with torch.no_grad():
        return answer(model.eval(), case.samples(TUNED_ON, case.batch)[0])
