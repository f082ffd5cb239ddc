"""1D Gaussian, after John Glover's gan-intro as first published: TensorFlow 1, gradient descent, D pretrained.

The minibatch layer is there where the state has one. Sessions and placeholders are written as plain calls, and
TensorFlow's optimizer as the arithmetic that it does.
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812


def linear(inputs, params, name):
    return inputs @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def generator(z, params):
    h0 = linear(z, params, "hidden")
    h0 = torch.log1p(torch.exp(-h0.abs())) + torch.relu(h0)  # softplus, which torch's own cuts off at 20
    return linear(h0, params, "output")


def minibatch(h, params, num_kernels=5, kernel_dim=3):
    x = linear(h, params, "minibatch")
    activation = x.reshape(-1, num_kernels, kernel_dim)
    diffs = activation.unsqueeze(3) - activation.permute(1, 2, 0).unsqueeze(0)  # (B, kernels, dims, B)
    eps = torch.eye(h.shape[0], dtype=h.dtype).unsqueeze(1)
    abs_diffs = diffs.abs().sum(2) + eps
    minibatch_features = torch.exp(-abs_diffs).sum(2)
    return torch.cat([h, minibatch_features], 1)


def discriminator(x, params):
    h0 = torch.tanh(linear(x, params, "hidden1"))
    h1 = torch.tanh(linear(h0, params, "hidden2"))
    h2 = minibatch(h1, params) if "minibatch.weight" in params else torch.tanh(linear(h1, params, "hidden3"))
    return torch.sigmoid(linear(h2, params, "output"))


def minimize(loss, params, batch):
    initial_learning_rate, decay, num_decay_steps = 0.005, 0.95, 150
    learning_rate = initial_learning_rate * decay ** (batch // num_decay_steps)
    gradients = torch.autograd.grad(loss, list(params.values()))
    with torch.no_grad():
        for param, gradient in zip(params.values(), gradients, strict=True):
            param.sub_(learning_rate * gradient)


def variables(state, scope):
    return {
        name.removeprefix(f"{scope}."): torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in state.items()
        if name.startswith(f"{scope}.")
    }


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    g_params = variables(state, "generator")
    d_params = variables(state, "discriminator")
    losses = {"pretraining": [], "discriminator": [], "generator": []}

    def feed(name, step):
        return torch.tensor(arrays[name][step % len(arrays[name])], dtype=torch.float64)

    for step in range(pretraining_steps):
        pretrain_loss = F.mse_loss(discriminator(feed("pretrain_input", step), d_params), feed("pretrain_target", step))
        losses["pretraining"].append(pretrain_loss.item())
        minimize(pretrain_loss, d_params, step)

    for step in range(steps):
        # update discriminator
        d1 = discriminator(feed("real", step), d_params)
        d2 = discriminator(generator(feed("latent_d", step), g_params), d_params)
        loss_d = torch.mean(-torch.log(d1) - torch.log(1 - d2))
        losses["discriminator"].append(loss_d.item())
        minimize(loss_d, d_params, step)

        # update generator
        d2 = discriminator(generator(feed("latent_g", step), g_params), d_params)
        loss_g = torch.mean(-torch.log(d2))
        losses["generator"].append(loss_g.item())
        minimize(loss_g, g_params, step)
    return {name: np.array(values) for name, values in losses.items()}
