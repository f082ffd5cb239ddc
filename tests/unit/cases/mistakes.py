"""What is wrong in the programs of these tests, in words, and the page on what was said of each.

`GAN_ROSETTA_LONG=1 pytest tests/unit/cases -n 0 --mistakes-page docs/mistakes.md` plants each and writes the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.report.shown import as_markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "mistakes.md"
FRAMEWORKS = {"torch": "PyTorch", "keras": "Keras", "jax": "JAX", "gluon": "Gluon"}
# By framework, and the name that the mistake has in its tests.
MISTAKES = {
    "torch": {
        "initial value": "a bias of D begins at 1: `nn.init.ones_` after the initial state was loaded",
        "another activation": "`nn.Sigmoid` for `nn.Tanh` in D",
        "labels": "0 for the label of real samples and 1 for that of fake ones",
        "sum": '`CrossEntropyLoss(reduction="sum")`',
        "beta2": "`betas=(0.9, 0.99)` in D's Adam",
        "epsilon": "`eps=1e-3` in D's Adam",
        "decay": "`weight_decay=1e-2` in D's Adam",
        "detach": "D's loss is of the fake batch itself: no `detach`, and G's gradients are cleared before it",
        "zero_grad": "D's gradients are not cleared: no `zero_grad`",
        "float32": "fake samples pass through float32",
        "anew": "G makes its batch anew for D's update, after its own",
        "sigmoid twice": "`torch.sigmoid` of what a Sigmoid gave, of real samples",
        "slope": "`LeakyReLU` at torch's default slope, 0.01",
        "batch-norm epsilon": "`BatchNorm1d` at torch's default ε, 1e-5",
        "momentum": "`momentum=0.9` in each BatchNorm of G, as Keras counts it",
        "axis": "the penalty's norm is of a whole sample, not of each pixel over its channels",
        "eval": "`generator.eval()` while D is trained",
        "create_graph": "the penalty's gradient is taken with `create_graph=False`",
        "update order": "G is updated between D's gradients and D's update",
        "generator first": "G is trained before D, on the batch that D is then shown",
        "decay left in": "D's rate is multiplied by 0.9 after each step: a schedule is left in",
        "decay by epoch": "D's rate is multiplied by 0.9 after each epoch of two steps, where it is constant",
        "decay by step": "a schedule of epochs is stepped after each step",
        "flatten": "D flattens its images with channels last before its Linear: `permute(0, 2, 3, 1).flatten(1)`",
        "first rate": "D's learning rate is another in the first step alone",
        "spectral order": "`parametrizations.spectral_norm`, which moves u first, for the older hook's order",
    },
    "keras": {
        "activation": '`"leaky_relu"` for `"relu"` in G',
        "no sigmoid": "no sigmoid at the end of D, whose losses take probabilities",
        "keras's adam": "`keras.optimizers.Adam` at its defaults",
        "anew": "G makes its batch anew for D's update, after its own",
        "labels": "of D's loss, real and fake samples are exchanged",
        "from logits": "a cross entropy of logits is given probabilities",
        "batch-norm defaults": "`BatchNormalization()` at Keras's defaults, ε 1e-3 and momentum 0.99",
        "same": '`Conv2D(…, strides=2, padding="same")` for one pixel on each side',
        "training": "G is called without `training=True`",
    },
    "jax": {
        "chain order": "`optax.chain` with the learning rate before `scale_by_adam`",
        "beta2": "`b2=0.99` in D's Adam",
        "axis": "`log_softmax` over the batch: `axis=0`",
        "sum": "`jnp.sum` for `jnp.mean` in both losses",
        "labels": "0 for the label of real samples and 1 for that of fake ones",
        "stale": "G's loss is of D as it was before its update",
        "root": "`eps_root=1e-5` in D's Adam",
        "decay": "`optax.adamw` for `optax.adam`",
        "moments": "D's moments are made anew at each step",
        "kernel": "G's matrix is not turned",
        "float32": "fake samples pass through float32",
        "same": '`conv_general_dilated` at stride 2 with `"SAME"` for one pixel on each side',
        "turned": "`conv_transpose` without `transpose_kernel=True`: the kernel is not turned",
        "channels": "a square transposed convolution's kernel is read with input and output channels exchanged",
        "norm axis": "a BatchNorm by hand takes mean and variance over the features: `axis=1`",
    },
    "gluon": {
        "activation": '`"sigmoid"` for `"tanh"` in D',
        "size": "`Trainer.step(1)` for `Trainer.step(batch_size)`",
        "mean": "the mean of the losses, and `Trainer.step(batch_size)` beside it",
        "labels": "0 for the label of real samples and 1 for that of fake ones",
        "beta2": "`beta2=0.99` in D's Adam",
        "accumulated": '`grad_req="add"`, and gradients are not cleared',
        "mxnet's adam": "`mx.optimizer.Adam` at its defaults",
        "prediction": "G runs outside of `autograd.record()` while D is trained",
        "backward": "Gluon's own BatchNorm, as it is",
    },
}
_INTRODUCTION = """\
# Porting mistakes, as people make them

Each is a small program in its own framework, right but for one thing, and watched by a case
([port-a-gan.md](port-a-gan.md)); each row is what its judgement said: the first quantity that is off, and the cause or
that none is known. Made by `GAN_ROSETTA_LONG=1 pytest tests/unit/cases -n 0 --mistakes-page docs/mistakes.md`; the
tests hold each to its place and to its cause.

{summary}

"""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What was said of a mistake; mistake: its name in MISTAKES."""

    framework: str
    mistake: str
    judgement: Judgement


def write_page(accounts: Sequence[Account], target: Path, /) -> None:
    """Write what was said of each mistake as a page."""
    named = [each for each in accounts if _causes(each)]
    silent = len(accounts) - len(named)
    summary = (
        f"**Of {len(accounts)} mistakes, all were found at their place; of {len(named)} the cause is named, of "
        f"{silent} it is said that none\nis known, and none is named wrongly.**"
    )
    lines = ["| framework | GAN | what is wrong | found first in | why, as it was said |", "|---|---|---|---|---|"]
    for framework, words in MISTAKES.items():
        own = {each.mistake: each for each in accounts if each.framework == framework}
        lines += [_row(own[name], words[name]) for name in words if name in own]
    target.write_text(_INTRODUCTION.format(summary=summary) + "\n".join(lines) + "\n", encoding="utf-8")


def _row(account: Account, words: str) -> str:
    judgement = account.judgement
    place = "" if judgement.first is None else judgement.first.place
    said = str(judgement.cause) if _causes(account) else "none known"
    cells = (FRAMEWORKS[account.framework], as_markdown(judgement.gan), words, as_markdown(place), as_markdown(said))
    return f"| {' | '.join(cells)} |"


def _causes(account: Account) -> bool:
    return account.judgement.cause is not None and bool(account.judgement.cause.causes)
