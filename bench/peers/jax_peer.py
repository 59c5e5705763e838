"""Times steps in JAX on the CPU: one jitted function per step, with donated buffers; see serve.py.

Needs: pip install jax
"""

import functools
import os
import sys

# JAX uses as many threads as the process may use cores, a number that it reads when it is loaded.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp

from jax_models import MODELS, Keys
from serve import serve

DECAY = {"adam": 0.0, "adamW": 0.01}


def array_of(key, values, batch):
    shape = (batch, *values["shape"])
    if values["dtype"] == "int32":
        return jax.random.randint(key, shape, 0, values["below"])
    return jax.random.uniform(key, shape)


def adam(parameters, gradients, moments, decay, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    count, first, second = moments
    count = count + 1
    correction1, correction2 = 1 - beta1**count, 1 - beta2**count
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradients)

    def update(p, m, v):
        return p * (1 - rate * decay) - rate / correction1 * m / (jnp.sqrt(v / correction2) + epsilon)

    return jax.tree.map(update, parameters, first, second), (count, first, second)


def training(apply, decay):
    def loss_of(parameters, state, x, y):
        logits, state = apply(parameters, state, x, True)
        shares = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(shares, y[..., None], -1).mean(), state

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(parameters, state, moments, x, y):
        (loss, state), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters, state, x, y)
        parameters, moments = adam(parameters, gradients, moments, decay)
        return parameters, state, moments, loss

    return step


def prepare(scenario, _trying):
    jax.clear_caches()
    init, apply = MODELS[scenario["name"]]()
    keys = jax.random.split(jax.random.key(1), 3)
    parameters, state = init(Keys(keys[0]))
    size = sum(leaf.size for leaf in jax.tree.leaves(parameters))
    x = array_of(keys[1], scenario["inputs"], scenario["batchSize"])
    if scenario["kind"] == "predict":
        forward = jax.jit(lambda p, s, x: apply(p, s, x, False)[0])

        def predict(steps):
            for _ in range(steps):
                forward(parameters, state, x).block_until_ready()

        return size, {"jit": predict}, []

    y = array_of(keys[2], scenario["targets"], scenario["batchSize"])
    step = training(apply, DECAY[scenario["optimizer"]])
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    held = [parameters, state, (jnp.zeros(()), zeros(), zeros())]

    def run(steps):
        for _ in range(steps):
            *held[:], loss = step(*held, x, y)
        loss.block_until_ready()

    return size, {"jit": run}, []


if __name__ == "__main__":
    serve(f"JAX {jax.__version__}", prepare)
