"""1D Gaussian, after the later revision of John Glover's gan-intro: ReLU, clipped logs, TensorFlow 1's Adam.

The minibatch layer is there where the state has one; in this revision a sample's distance to itself is 0.
"""

from collections.abc import Mapping

import numpy as np
import torch


class Linear(torch.nn.Module):
    def __init__(self, w, b):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(w, dtype=torch.float64))
        self.b = torch.nn.Parameter(torch.tensor(b, dtype=torch.float64))

    def forward(self, inputs):
        return torch.addmm(self.b, inputs, self.w.t())


class Generator(torch.nn.Module):
    def __init__(self, state):
        super().__init__()
        self.g0 = Linear(state["generator.hidden.weight"], state["generator.hidden.bias"])
        self.g1 = Linear(state["generator.output.weight"], state["generator.output.bias"])

    def forward(self, z):
        h0 = self.g0(z)
        h0 = torch.logaddexp(h0, torch.zeros_like(h0))  # softplus without torch's cut-off at 20
        return self.g1(h0)


class Discriminator(torch.nn.Module):
    def __init__(self, state):
        super().__init__()
        self.minibatch = "discriminator.minibatch.weight" in state
        third = "minibatch" if self.minibatch else "hidden3"
        for attribute, name in (("d0", "hidden1"), ("d1", "hidden2"), ("d2", third), ("d3", "output")):
            layer = Linear(state[f"discriminator.{name}.weight"], state[f"discriminator.{name}.bias"])
            setattr(self, attribute, layer)

    def forward(self, x):
        h0 = torch.relu(self.d0(x))
        h1 = torch.relu(self.d1(h0))
        h2 = self.with_likeness(h1) if self.minibatch else torch.relu(self.d2(h1))
        return torch.sigmoid(self.d3(h2))

    def with_likeness(self, h):
        activation = self.d2(h).view(len(h), 5, 3)
        features = []
        for one in activation:
            distances = (one - activation).abs().sum(dim=2)  # (B, 5)
            features.append(torch.exp(-distances).sum(dim=0))
        return torch.cat([h, torch.stack(features)], dim=1)


def log(x):
    """As published: sometimes D gives numbers so close to 0 that the logarithm is not finite."""
    return torch.log(torch.clamp(x, min=1e-5))


class AdamOptimizer:
    """tf.train.AdamOptimizer."""

    def __init__(self, params, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.params = list(params)
        self.learning_rate, self.beta1, self.beta2, self.epsilon = learning_rate, beta1, beta2, epsilon
        self.m = [torch.zeros_like(p) for p in self.params]
        self.v = [torch.zeros_like(p) for p in self.params]
        self.t = 0

    def minimize(self, loss):
        gradients = torch.autograd.grad(loss, self.params)
        self.t += 1
        lr_t = self.learning_rate * (1 - self.beta2**self.t) ** 0.5 / (1 - self.beta1**self.t)
        with torch.no_grad():
            for p, g, m, v in zip(self.params, gradients, self.m, self.v, strict=True):
                m.copy_(self.beta1 * m + (1 - self.beta1) * g)
                v.copy_(self.beta2 * v + (1 - self.beta2) * g * g)
                p.sub_(lr_t * m / (torch.sqrt(v) + self.epsilon))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this revision does not pretrain"
    g, d = Generator(state), Discriminator(state)
    opt_d, opt_g = AdamOptimizer(d.parameters()), AdamOptimizer(g.parameters())
    losses_d, losses_g = [], []
    for step in range(steps):
        x, z_d, z_g = (torch.tensor(arrays[k][step % len(arrays[k])]) for k in ("real", "latent_d", "latent_g"))

        loss_d = torch.mean(-log(d(x)) - log(1 - d(g(z_d))))
        losses_d.append(loss_d.item())
        opt_d.minimize(loss_d)

        loss_g = torch.mean(-log(d(g(z_g))))
        losses_g.append(loss_g.item())
        opt_g.minimize(loss_g)
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
