"""How far what is found of a code is from it: logits near, far apart or sure of a category; numbers near and far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import CategoryLatent, CodeError, JoinedLatent, NormalLatent, Recall, UniformLatent

_SEED = 23
_WIDTH = 8
_OWN = 5
_ONE = np.ones((1, 1))
_Kinds = dict[str, tuple[np.ndarray, np.ndarray]]


def _of_category() -> _Kinds:
    drawn = np.random.default_rng(_SEED).standard_normal(_WIDTH)
    own = np.eye(_WIDTH)[_OWN]
    logits = {
        "ordinary": drawn,
        "alike": np.full(_WIDTH, 0.1),
        "wide": 20 * drawn,
        "far from 0": drawn + 500,
        "sure": np.where(own == 1, 12.0, drawn),
        "surely another": np.where(own == 1, -60.0, drawn),
    }
    return {name: (found, own) for name, found in logits.items()}


def _of_numbers() -> _Kinds:
    drawn, code = np.random.default_rng(_SEED).uniform(-1, 1, (2, _WIDTH))
    return {
        "ordinary": (drawn, code),
        "nearly right": (code + 1e-3 * drawn, code),
        "large": (1e4 * drawn, code),
        "small": (1e-4 * drawn, 1e-4 * code),
    }


def _trials(kinds: _Kinds) -> Callable[[Dtype], Sequence[Trial]]:
    def trials(dtype: Dtype) -> Sequence[Trial]:
        return [
            Trial(
                inputs=(name,),
                state={"generator.input.weight": in_type(found, dtype), "discriminator.score.weight": _ONE},
                arrays=step_arrays(latent=np.concatenate([[1.0], in_type(code, dtype)])[np.newaxis], real=_ONE),
            )
            for name, (found, code) in kinds.items()
        ]

    return trials


def _operation(
    form: Literal["cross-entropy", "squared-error"], code: CategoryLatent | UniformLatent, kinds: _Kinds
) -> Operation:
    name = f"code-{form}"
    return Operation(
        name=name,
        group="losses",
        title=f"{form.replace('-', ' ')} of a code of {_WIDTH} features",
        spec=tiny_gan(
            name,
            generator=(
                Recall(of=None, parts=((0, 1),)),
                linear("input", 1, _WIDTH),
                CodeError(form=form, start=1, stop=1 + _WIDTH),
            ),
            discriminator=(linear("score", 1, 1),),
            latent=JoinedLatent(parts=(NormalLatent(shape=(1,), redraw="step"), code)),
        ),
        trials=_trials(kinds),
        quantities=(
            loss_quantity("loss", "generator"),
            Quantity(name="gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    )


CODE_ERRORS = (
    _operation("cross-entropy", CategoryLatent(num_categories=_WIDTH, redraw="step"), _of_category()),
    _operation("squared-error", UniformLatent(shape=(_WIDTH,), low=-1.0, high=1.0, redraw="step"), _of_numbers()),
)
