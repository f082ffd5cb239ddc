"""Self-attention GAN after POSTECH's PyTorch-StudioGAN, configuration CIFAR10/SAGAN of fewer channels: its ResNet.

Classes are one-hot and go through a Linear in G's conditional BatchNorm; activations in place, as there.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

G_CONV_DIM, D_CONV_DIM, Z_DIM, NUM_CLASSES, D_UPDATES = 8, 16, 128, 10, 5


def snconv2d(in_channels, out_channels, kernel_size, padding=0, bias=True):
    return spectral_norm(nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=bias), eps=1e-6)


def snlinear(in_features, out_features, bias=True):
    return spectral_norm(nn.Linear(in_features, out_features, bias=bias), eps=1e-6)


def sn_embedding(num_embeddings, embedding_dim):
    return spectral_norm(nn.Embedding(num_embeddings, embedding_dim), eps=1e-6)


class ConditionalBatchNorm2d(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.bn = nn.BatchNorm2d(out_features, eps=1e-4, momentum=0.1, affine=False)
        self.gain = snlinear(in_features, out_features, bias=False)
        self.bias = snlinear(in_features, out_features, bias=False)

    def forward(self, x, y):
        gain = (1 + self.gain(y)).view(y.size(0), -1, 1, 1)
        bias = self.bias(y).view(y.size(0), -1, 1, 1)
        return self.bn(x) * gain + bias


class SelfAttention(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv1x1_theta = snconv2d(in_channels, in_channels // 8, 1, bias=False)
        self.conv1x1_phi = snconv2d(in_channels, in_channels // 8, 1, bias=False)
        self.conv1x1_g = snconv2d(in_channels, in_channels // 2, 1, bias=False)
        self.conv1x1_attn = snconv2d(in_channels // 2, in_channels, 1, bias=False)
        self.maxpool = nn.MaxPool2d(2, stride=2, padding=0)
        self.softmax = nn.Softmax(dim=-1)
        self.sigma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        _, ch, h, w = x.size()
        theta = self.conv1x1_theta(x).view(-1, ch // 8, h * w)
        phi = self.maxpool(self.conv1x1_phi(x)).view(-1, ch // 8, h * w // 4)
        attn = self.softmax(torch.bmm(theta.permute(0, 2, 1), phi))
        g = self.maxpool(self.conv1x1_g(x)).view(-1, ch // 2, h * w // 4)
        attn_g = torch.bmm(g, attn.permute(0, 2, 1)).view(-1, ch // 2, h, w)
        return x + self.sigma * self.conv1x1_attn(attn_g)


class GenBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.bn1 = ConditionalBatchNorm2d(NUM_CLASSES, in_channels)
        self.bn2 = ConditionalBatchNorm2d(NUM_CLASSES, out_channels)
        self.activation = nn.ReLU(inplace=True)
        self.conv2d0 = snconv2d(in_channels, out_channels, 1)
        self.conv2d1 = snconv2d(in_channels, out_channels, 3, padding=1)
        self.conv2d2 = snconv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x, affine):
        x0 = x
        x = self.activation(self.bn1(x, affine))
        x = self.conv2d1(functional.interpolate(x, scale_factor=2, mode="nearest"))
        x = self.activation(self.bn2(x, affine))
        x = self.conv2d2(x)
        x0 = self.conv2d0(functional.interpolate(x0, scale_factor=2, mode="nearest"))
        return x + x0


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        dims = [G_CONV_DIM * 4, G_CONV_DIM * 4, G_CONV_DIM * 4]
        self.in_dim = dims[0]
        self.linear0 = snlinear(Z_DIM, dims[0] * 4 * 4)
        blocks = [GenBlock(dims[0], dims[0]), GenBlock(dims[1], dims[1]), SelfAttention(dims[1])]
        self.blocks = nn.ModuleList([*blocks, GenBlock(dims[2], dims[2])])
        self.bn4 = nn.BatchNorm2d(dims[-1], eps=1e-4, momentum=0.1)
        self.activation = nn.ReLU(inplace=True)
        self.conv2d5 = snconv2d(dims[-1], 3, 3, padding=1)
        self.tanh = nn.Tanh()

    def forward(self, z, label):
        affines = functional.one_hot(label, num_classes=NUM_CLASSES).to(z.dtype)
        act = self.linear0(z).view(-1, self.in_dim, 4, 4)
        for block in self.blocks:
            act = block(act) if isinstance(block, SelfAttention) else block(act, affines)
        return self.tanh(self.conv2d5(self.activation(self.bn4(act))))


class DiscOptBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv2d0 = snconv2d(in_channels, out_channels, 1)
        self.conv2d1 = snconv2d(in_channels, out_channels, 3, padding=1)
        self.conv2d2 = snconv2d(out_channels, out_channels, 3, padding=1)
        self.activation = nn.ReLU(inplace=True)
        self.average_pooling = nn.AvgPool2d(2)

    def forward(self, x):
        x0 = x
        x = self.conv2d2(self.activation(self.conv2d1(x)))
        return self.average_pooling(x) + self.conv2d0(self.average_pooling(x0))


class DiscBlock(nn.Module):
    def __init__(self, in_channels, out_channels, downsample):
        super().__init__()
        self.downsample = downsample
        self.activation = nn.ReLU(inplace=True)
        if downsample:
            self.conv2d0 = snconv2d(in_channels, out_channels, 1)
        self.conv2d1 = snconv2d(in_channels, out_channels, 3, padding=1)
        self.conv2d2 = snconv2d(out_channels, out_channels, 3, padding=1)
        self.average_pooling = nn.AvgPool2d(2)

    def forward(self, x):
        x0 = x
        x = self.activation(x)
        x = self.conv2d1(x)
        x = self.activation(x)
        x = self.conv2d2(x)
        if self.downsample:
            x = self.average_pooling(x)
            x0 = self.average_pooling(self.conv2d0(x0))
        return x + x0


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        dim = D_CONV_DIM * 2
        blocks = [DiscOptBlock(3, dim), SelfAttention(dim), DiscBlock(dim, dim, True)]
        self.blocks = nn.ModuleList([*blocks, DiscBlock(dim, dim, False), DiscBlock(dim, dim, False)])
        self.activation = nn.ReLU(inplace=True)
        self.linear1 = snlinear(dim, 1)
        self.embedding = sn_embedding(NUM_CLASSES, dim)

    def forward(self, x, label):
        h = x
        for block in self.blocks:
            h = block(h)
        h = torch.sum(self.activation(h), dim=[2, 3])
        adv_output = torch.squeeze(self.linear1(h))
        return adv_output + torch.sum(torch.mul(self.embedding(label), h), 1)


PARTS = {
    "linear0": "linear",
    "bn4": "norm",
    "conv2d5": "output",
    "linear1": "output.score.linear",
    "embedding": "output.class.product.row.embedding",
    "conv2d0": "shortcut.conv0",
    "conv2d1": "main.conv1",
    "conv2d2": "main.conv2",
    "bn1": "main.norm1",
    "bn2": "main.norm2",
    "bn": "x.norm",
    "gain": "gain.embedding",
    "bias": "bias.embedding",
    "conv1x1_theta": "main.places.query.conv",
    "conv1x1_phi": "main.places.key.conv",
    "conv1x1_g": "main.places.value.conv",
    "conv1x1_attn": "main.output",
}
BLOCKS = {
    "generator": ["block1", "block2", "attention", "block3"],
    "discriminator": ["block1", "attention", "block2", "block3", "block4"],
}
SHORTS = {"weight_orig": "weight", "sigma": "main.gamma.weight"}


def load(model, state, network):
    model.double()
    for path, tensor in model.state_dict().items():
        *parts, short = path.split(".")
        if short == "num_batches_tracked":
            continue
        if parts[:1] == ["blocks"]:
            parts[:2] = [BLOCKS[network][int(parts[1])]]
        name = ".".join([network, *(PARTS.get(part, part) for part in parts)])
        swapped = parts[-1] in ("gain", "bias")
        if swapped and short in ("weight_u", "weight_v"):
            short = {"weight_u": "weight_v", "weight_v": "weight_u"}[short]
        value = torch.tensor(state[f"{name}.{SHORTS.get(short, short)}"])
        tensor.copy_(value.T if swapped and short == "weight_orig" else value)


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    Gen, Dis = Generator(), Discriminator()  # noqa: N806 - as they are called there
    load(Gen, state, "generator")
    load(Dis, state, "discriminator")
    g_optimizer = torch.optim.Adam(Gen.parameters(), lr=0.0002, betas=(0.5, 0.999), eps=1e-6)
    d_optimizer = torch.optim.Adam(Dis.parameters(), lr=0.0002, betas=(0.5, 0.999), eps=1e-6)
    losses_d, losses_g, terms_d, terms_g = [], [], [], []
    for i in range(steps):
        tape = {name: torch.tensor(array[i % len(array)]) for name, array in arrays.items()}
        Dis.requires_grad_(True)
        d_optimizer.zero_grad()
        with torch.no_grad():
            fake_images = Gen(tape["latent_d"], tape["label_d"].long())
        real_output = Dis(tape["real"], tape["real_label"].long())
        fake_output = Dis(fake_images, tape["label_d"].long())
        d_loss = torch.mean(functional.relu(1.0 - real_output)) + torch.mean(functional.relu(1.0 + fake_output))
        d_loss.backward()
        d_optimizer.step()
        losses_d.append(d_loss.item())
        terms_d.append(max(1.0, real_output.abs().max().item(), fake_output.abs().max().item()))
        if i % D_UPDATES != D_UPDATES - 1:
            losses_g.append(np.nan)
            terms_g.append(np.nan)
            continue
        Dis.requires_grad_(False)
        g_optimizer.zero_grad()
        fake_output = Dis(Gen(tape["latent_g"], tape["label_g"].long()), tape["label_g"].long())
        g_loss = -torch.mean(fake_output)
        g_loss.backward()
        g_optimizer.step()
        losses_g.append(g_loss.item())
        terms_g.append(fake_output.abs().max().item())
    return {
        "pretraining": np.array([]),
        "discriminator": np.array(losses_d),
        "generator": np.array(losses_g),
        "discriminator terms": np.array(terms_d),
        "generator terms": np.array(terms_g),
    }
