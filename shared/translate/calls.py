"""The calls of both networks in a step, of what a batch has for them."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.data import uses_classes, uses_masks
from gan_rosetta.shared.translate.parts import label_of
from gan_rosetta.shared.translate.writing import WIDTH, call, literal


def generate(gan: GanSpec, phase: str, /, *, later: int, listed: bool = False) -> str:
    """Return the statement in which G makes samples.

    later: by how much it will be indented. listed: whether a network that is given more than one thing is given a list.
    """
    arguments = [f'batch["{gan.training.fed_in(phase, "latent")}"]']
    arguments += [f'batch["{gan.training.fed_in(phase, "label")}"]'] if uses_classes(gan, "generator") else []
    arguments += _masks(gan, "generator", f"{phase}.fake.generator", listed=listed)
    return of_network("fake = generator(", arguments, later=later, listed=listed)


def judge(gan: GanSpec, before: str, place: str, samples: str, /, *, later: int, listed: bool = False) -> str:
    """Return the statement in which D is asked; as of generate. before: the name of what it says."""
    arguments = [samples]
    arguments += [f'batch["{label_of(gan, place)}"]'] if uses_classes(gan, "discriminator") else []
    arguments += _masks(gan, "discriminator", place, listed=listed)
    return of_network(f"{before} = discriminator(", arguments, later=later, listed=listed)


def of_network(before: str, arguments: list[str], /, *, later: int = 0, listed: bool) -> str:
    """Return the call of a network. before: as far as the bracket."""
    if not listed or len(arguments) == 1:
        return call(before, arguments, later=later)
    whole = call(before, [f"[{', '.join(arguments)}]"], later=later)
    if max(map(len, whole.splitlines())) + later <= WIDTH:
        return whole
    return "\n".join([before, literal("[", arguments, "]", indent=4, later=WIDTH), ")"])


def _masks(gan: GanSpec, network: str, place: str, *, listed: bool) -> list[str]:
    if not uses_masks(gan, network):
        return []
    return [f'{"*" if listed else ""}masks_of(batch, "{place}")']
