"""Two backends from outside: a right one, and one with a mistake that the conformance laws are to find."""

from __future__ import annotations

from gan_rosetta.backends import BackendEntry

_INSTALL = "pip install gan-rosetta-example"

EXAMPLE = BackendEntry(
    name="example",
    title="An example from outside",
    package="gan_rosetta_example",
    trainer="ExampleTrainer",
    distributions=("gan-rosetta-example",),
    executions=("eager",),
    install=_INSTALL,
)
HASTY = BackendEntry(
    name="hasty",
    title="An example with a mistake",
    package="gan_rosetta_example",
    trainer="HastyTrainer",
    distributions=("gan-rosetta-example",),
    executions=("eager",),
    install=_INSTALL,
)
