"""The frameworks' defaults: torch 2.13, Keras 3 in TensorFlow 2.21, Gluon in MXNet 1.9.1.

tests/unit/backends/test_*_defaults.py read the installed frameworks and hold these numbers to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared.faults.subjects import SUBJECTS, Clamp, InitialValues
from gan_rosetta.shared.spec import ZEROS, GanSpec, GlorotUniform, Normal, Uniform, UniformFanIn

FRAMEWORKS = {"torch": "torch 2.13", "tensorflow": "Keras 3 in TensorFlow 2.21", "mxnet": "MXNet 1.9.1 Gluon"}
_TITLES = {"torch": "torch", "tensorflow": "Keras", "mxnet": "MXNet"}

_VALUES: dict[str, dict[str, tuple[str, Any]]] = {
    "torch": {
        "adam-betas": ("torch.optim.Adam", (0.9, 0.999)),
        "adam-epsilon": ("torch.optim.Adam", 1e-8),
        "adam-epsilon-placement": ("torch.optim.Adam", "outside"),
        "adadelta-learning-rate": ("torch.optim.Adadelta", 1.0),
        "adadelta-rho": ("torch.optim.Adadelta", 0.9),
        "adadelta-epsilon": ("torch.optim.Adadelta", 1e-6),
        "rmsprop-rho": ("torch.optim.RMSprop", 0.99),
        "rmsprop-epsilon": ("torch.optim.RMSprop", 1e-8),
        "rmsprop-epsilon-placement": ("torch.optim.RMSprop", "outside"),
        "batch-norm-epsilon": ("torch.nn.BatchNorm2d", 1e-5),
        "batch-norm-momentum": ("torch.nn.BatchNorm2d", 0.1),
        "batch-norm-variance": ("torch.nn.BatchNorm2d", "unbiased"),
        "bce-clamp": (
            "torch.nn.BCELoss",
            Clamp(
                summary="log ≥ -100",
                gradient="fades",
                probability_floor=math.exp(-100.0),
                log_floor=-100.0,
                denominator_floor=1e-12,
            ),
        ),
        "initial-values": ("torch.nn.Linear", InitialValues(weight=UniformFanIn(), bias=UniformFanIn())),
        "embedding-values": ("torch.nn.Embedding", Normal(standard_deviation=1.0)),
        "leaky-relu-slope": ("torch.nn.LeakyReLU", 0.01),
        "group-norm-epsilon": ("torch.nn.GroupNorm", 1e-5),
        "elu-alpha": ("torch.nn.ELU", 1.0),
        "gelu-form": ("torch.nn.GELU", "erf"),
    },
    "tensorflow": {
        "adam-betas": ("keras.optimizers.Adam", (0.9, 0.999)),
        "adam-epsilon": ("keras.optimizers.Adam", 1e-7),
        "adam-epsilon-placement": ("keras.optimizers.Adam", "hat"),
        "adadelta-learning-rate": ("keras.optimizers.Adadelta", 0.001),
        "adadelta-rho": ("keras.optimizers.Adadelta", 0.95),
        "adadelta-epsilon": ("keras.optimizers.Adadelta", 1e-7),
        "rmsprop-rho": ("keras.optimizers.RMSprop", 0.9),
        "rmsprop-epsilon": ("keras.optimizers.RMSprop", 1e-7),
        "rmsprop-epsilon-placement": ("keras.optimizers.RMSprop", "inside"),
        "batch-norm-epsilon": ("keras.layers.BatchNormalization", 1e-3),
        # Keras writes 0.99, on the old value.
        "batch-norm-momentum": ("keras.layers.BatchNormalization", 0.01),
        "batch-norm-variance": ("keras.layers.BatchNormalization", "biased"),
        "bce-clamp": (
            "keras.losses.BinaryCrossentropy",
            Clamp(
                summary="p clipped to [1e-07, 1 - 1e-07]",
                gradient="stops",
                probability_floor=1e-7,
                log_floor=math.log(1e-7),
                denominator_floor=1e-7 * (1 - 1e-7),
            ),
        ),
        "initial-values": ("keras.layers.Dense", InitialValues(weight=GlorotUniform(), bias=ZEROS)),
        "embedding-values": ("keras.layers.Embedding", Uniform(bound=0.05)),
        "leaky-relu-slope": ("keras.layers.LeakyReLU", 0.3),
        "group-norm-epsilon": ("keras.layers.GroupNormalization", 1e-3),
        "elu-alpha": ("keras.layers.ELU", 1.0),
        "gelu-form": ("keras.activations.gelu", "erf"),
    },
    "mxnet": {
        "adam-betas": ("mxnet.optimizer.Adam", (0.9, 0.999)),
        "adam-epsilon": ("mxnet.optimizer.Adam", 1e-8),
        "adam-epsilon-placement": ("mxnet.optimizer.Adam", "hat"),
        # It has none: what it calls its learning rate is not read.
        "adadelta-learning-rate": ("mxnet.optimizer.AdaDelta", 1.0),
        "adadelta-rho": ("mxnet.optimizer.AdaDelta", 0.9),
        "adadelta-epsilon": ("mxnet.optimizer.AdaDelta", 1e-5),
        "rmsprop-rho": ("mxnet.optimizer.RMSProp", 0.9),
        "rmsprop-epsilon": ("mxnet.optimizer.RMSProp", 1e-8),
        "rmsprop-epsilon-placement": ("mxnet.optimizer.RMSProp", "inside"),
        "batch-norm-epsilon": ("mxnet.gluon.nn.BatchNorm", 1e-5),
        # Gluon writes 0.9, on the old value.
        "batch-norm-momentum": ("mxnet.gluon.nn.BatchNorm", 0.1),
        "batch-norm-variance": ("mxnet.gluon.nn.BatchNorm", "biased"),
        "bce-clamp": (
            "mxnet.gluon.loss.SigmoidBCELoss(from_sigmoid=True)",
            Clamp(
                summary="1e-12 added in the log",
                gradient="fades",
                probability_floor=1e-12,
                log_floor=math.log(1e-12),
                denominator_floor=1e-12,
            ),
        ),
        "initial-values": ("mxnet.gluon.nn.Dense", InitialValues(weight=Uniform(bound=0.07), bias=ZEROS)),
        "embedding-values": ("mxnet.gluon.nn.Embedding", Uniform(bound=0.07)),
        "group-norm-epsilon": ("mxnet.gluon.nn.GroupNorm", 1e-5),
        "elu-alpha": ("mxnet.gluon.nn.ELU", 1.0),
        "gelu-form": ("mxnet.gluon.nn.GELU", "erf"),
    },
}


@dataclass(frozen=True, kw_only=True)
class Default:
    """A framework's default. subject: a name in SUBJECTS. source: where the framework has it. value: in spec terms."""

    framework: str
    subject: str
    source: str
    value: Any

    @property
    def name(self) -> str:
        """The default's name, such as "torch:adam-epsilon"."""
        return f"{self.framework}:{self.subject}"

    @property
    def title(self) -> str:
        """The framework, by the name under which people know its defaults."""
        return _TITLES[self.framework]

    @property
    def text(self) -> str:
        """The value in words."""
        return SUBJECTS[self.subject].describe(self.value)

    def touches(self, spec: GanSpec, /) -> bool:
        """Whether the GAN has a place where this default would stand."""
        return bool(SUBJECTS[self.subject].values(spec))

    def apply(self, spec: GanSpec, /) -> GanSpec:
        """Return the spec with this default in every place that it touches; equal to it where that is its own value."""
        return SUBJECTS[self.subject].change(spec, self.value)

    def say(self, spec: GanSpec, /) -> str:
        """Return a sentence on what is wrong with a program that has it, and what to change. spec: the right GAN."""
        subject = SUBJECTS[self.subject]
        return subject.say(found=self.text, framework=self.title, expected="; ".join(subject.values(spec)))


DEFAULTS: dict[str, Default] = {
    default.name: default
    for framework, values in _VALUES.items()
    for default in (
        Default(framework=framework, subject=subject, source=source, value=value)
        for subject, (source, value) in values.items()
    )
}


def frameworks_with(subject: str, value: float, /) -> list[str]:
    """Return the titles of the frameworks of whose default a number is, or is part; none for a subject of no name."""
    defaults = [default for default in DEFAULTS.values() if default.subject == subject]
    values = [
        (default, default.value if isinstance(default.value, tuple) else (default.value,)) for default in defaults
    ]
    return [default.title for default, own in values if value in own]


def framework_defaults(framework: str, /) -> list[Default]:
    """Return the defaults of one framework, in the order of SUBJECTS."""
    return [default for default in DEFAULTS.values() if default.framework == framework]


def apply_all(framework: str, spec: GanSpec, /) -> GanSpec:
    """Return the spec with every default of a framework at once."""
    for default in framework_defaults(framework):
        spec = default.apply(spec)
    return spec
