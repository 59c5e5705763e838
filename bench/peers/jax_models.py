"""The scenarios' models in plain JAX: init(key) returns parameters and state, apply(parameters, state, x, training)
returns the output and the new state, the running statistics of batch normalisation."""

import jax
import jax.numpy as jnp
from jax import lax


class Keys:
    """A stream of random initial values."""

    def __init__(self, key):
        self.key = key

    def uniform(self, shape, fan_in):
        self.key, key = jax.random.split(self.key)
        return fan_in**-0.5 * jax.random.uniform(key, shape, minval=-1)


def dense_init(keys, fan_in, fan_out):
    return {"w": keys.uniform((fan_in, fan_out), fan_in), "b": keys.uniform((fan_out,), fan_in)}


def product(x, w):
    """x @ w as a product of two matrices, which runs faster here than a batched one."""
    return (x.reshape(-1, x.shape[-1]) @ w).reshape(*x.shape[:-1], -1)


def dense(p, x):
    return product(x, p["w"]) + p["b"]


def conv_init(keys, inputs, outputs, size, bias=True):
    fan_in = inputs * size * size
    p = {"w": keys.uniform((size, size, inputs, outputs), fan_in)}
    return {**p, "b": keys.uniform((outputs,), fan_in)} if bias else p


def conv(p, x, stride=1, padding=0):
    y = lax.conv_general_dilated(
        x, p["w"], (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + p["b"] if "b" in p else y


def max_pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def perceptron(*widths):
    def init(keys):
        return [dense_init(keys, *pair) for pair in zip(widths, widths[1:])], {}

    def apply(p, state, x, training):
        for layer in p[:-1]:
            x = jax.nn.relu(dense(layer, x))
        return dense(p[-1], x), state

    return init, apply


def lenet():
    def init(keys):
        convs = [conv_init(keys, 1, 6, 5), conv_init(keys, 6, 16, 5)]
        return {"convs": convs, "dense": [dense_init(keys, *s) for s in ((400, 120), (120, 84), (84, 10))]}, {}

    def apply(p, state, x, training):
        x = max_pool(jax.nn.relu(conv(p["convs"][0], x, padding=2)))
        x = max_pool(jax.nn.relu(conv(p["convs"][1], x)))
        x = x.reshape(x.shape[0], -1)
        for layer in p["dense"][:-1]:
            x = jax.nn.relu(dense(layer, x))
        return dense(p["dense"][-1], x), state

    return init, apply


def mnist_cnn():
    def init(keys):
        convs = [conv_init(keys, 1, 32, 3), conv_init(keys, 32, 64, 3)]
        return {"convs": convs, "dense": [dense_init(keys, 12544, 128), dense_init(keys, 128, 10)]}, {}

    def apply(p, state, x, training):
        for layer in p["convs"]:
            x = jax.nn.relu(conv(layer, x, padding=1))
        x = max_pool(x)
        x = jax.nn.relu(dense(p["dense"][0], x.reshape(x.shape[0], -1)))
        return dense(p["dense"][1], x), state

    return init, apply


def conv_norm_init(keys, inputs, outputs, size):
    norm = {"scale": jnp.ones(outputs), "shift": jnp.zeros(outputs)}
    state = {"mean": jnp.zeros(outputs), "variance": jnp.ones(outputs)}
    return {"conv": conv_init(keys, inputs, outputs, size, bias=False), "norm": norm}, state


def conv_norm(p, state, x, size, stride, training):
    x = conv(p["conv"], x, stride, (size - 1) // 2)
    mean, variance = state["mean"], state["variance"]
    if training:
        mean = x.mean((0, 1, 2))
        variance = jnp.square(x - mean).mean((0, 1, 2))
        count = x.size // x.shape[-1]
        state = {
            "mean": 0.9 * state["mean"] + 0.1 * mean,
            "variance": 0.9 * state["variance"] + 0.1 * variance * count / (count - 1),
        }
    factor = p["norm"]["scale"] * lax.rsqrt(variance + 1e-5)
    return (x - mean) * factor + p["norm"]["shift"], state


def resnet(widths, blocks):
    plan, inputs = [], widths[0]
    for stage, width in enumerate(widths):
        for i in range(blocks):
            plan.append((inputs, width, 2 if stage > 0 and i == 0 else 1))
            inputs = width

    def init(keys):
        made = {"stem": conv_norm_init(keys, 3, widths[0], 3)}
        for i, (fan_in, fan_out, _) in enumerate(plan):
            made[f"{i} a"] = conv_norm_init(keys, fan_in, fan_out, 3)
            made[f"{i} b"] = conv_norm_init(keys, fan_out, fan_out, 3)
            if fan_in != fan_out:
                made[f"{i} shortcut"] = conv_norm_init(keys, fan_in, fan_out, 1)
        p, state = ({name: pair[part] for name, pair in made.items()} for part in (0, 1))
        return {**p, "head": dense_init(keys, widths[-1], 10)}, state

    def apply(p, state, x, training):
        new = {}

        def layer(name, x, size, stride):
            y, new[name] = conv_norm(p[name], state[name], x, size, stride, training)
            return y

        x = jax.nn.relu(layer("stem", x, 3, 1))
        for i, (fan_in, fan_out, stride) in enumerate(plan):
            around = x if fan_in == fan_out else layer(f"{i} shortcut", x, 1, stride)
            inner = layer(f"{i} b", jax.nn.relu(layer(f"{i} a", x, 3, stride)), 3, 1)
            x = jax.nn.relu(inner + around)
        return dense(p["head"], x.mean((1, 2))), new

    return init, apply


def layer_norm(p, x):
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * p["scale"] + p["shift"]


def attention(p, x, heads):
    batch, length, width = x.shape
    q, k, v = (part.reshape(batch, length, heads, -1) for part in jnp.split(dense(p["in"], x), 3, axis=-1))
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) * (width // heads) ** -0.5
    causal = jnp.tril(jnp.ones((length, length), bool))
    shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
    return dense(p["out"], jnp.einsum("bhqk,bkhd->bqhd", shares, v).reshape(batch, length, width))


def gpt(blocks, width, heads, context, vocabulary):
    def norm_init():
        return {"scale": jnp.ones(width), "shift": jnp.zeros(width)}

    def block_init(keys):
        return {
            "norm1": norm_init(), "norm2": norm_init(),
            "in": dense_init(keys, width, 3 * width), "out": dense_init(keys, width, width),
            "up": dense_init(keys, width, 4 * width), "down": dense_init(keys, 4 * width, width),
        }

    def init(keys):
        p = {
            "token": keys.uniform((vocabulary, width), 1), "position": keys.uniform((context, width), 2500),
            "blocks": [block_init(keys) for _ in range(blocks)],
            "norm": norm_init(), "head": dense_init(keys, width, vocabulary),
        }
        return p, {}

    def apply(p, state, tokens, training):
        x = p["token"][tokens] + p["position"]
        for block in p["blocks"]:
            x = x + attention(block, layer_norm(block["norm1"], x), heads)
            inner = jax.nn.gelu(dense(block["up"], layer_norm(block["norm2"], x)), approximate=False)
            x = x + dense(block["down"], inner)
        return dense(p["head"], layer_norm(p["norm"], x)), state

    return init, apply


def sequence_classifier(inputs, hidden, classes):
    def init(keys):
        shapes = {"x": (inputs, 4 * hidden), "h": (hidden, 4 * hidden), "bx": (4 * hidden,), "bh": (4 * hidden,)}
        p = {name: keys.uniform(shape, hidden) for name, shape in shapes.items()}
        return {**p, "head": dense_init(keys, hidden, classes)}, {}

    def apply(p, state, x, training):
        def step(carry, row):
            h, c = carry
            i, f, g, o = jnp.split(row + h @ p["h"], 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        # The input's contribution to all steps is one product.
        rows = product(x.swapaxes(0, 1), p["x"]) + (p["bx"] + p["bh"])
        start = jnp.zeros((x.shape[0], hidden))
        (h, _), _ = lax.scan(step, (start, start), rows)
        return dense(p["head"], h), state

    return init, apply


MODELS = {
    "tiny_mlp": lambda: perceptron(16, 64, 64, 2),
    "mnist_mlp": lambda: perceptron(784, 512, 256, 10),
    "large_mlp": lambda: perceptron(1024, 2048, 2048, 2048, 1000),
    "lenet": lenet,
    "mnist_cnn": mnist_cnn,
    "resnet20": lambda: resnet((16, 32, 64), 3),
    "resnet18": lambda: resnet((64, 128, 256, 512), 2),
    "char_gpt": lambda: gpt(4, 128, 4, 64, 96),
    "lstm": lambda: sequence_classifier(64, 256, 10),
    "predict_mlp": lambda: perceptron(784, 512, 256, 10),
    "predict_cnn": mnist_cnn,
}
