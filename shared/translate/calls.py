"""The calls of both networks in a step, of what a batch has for them."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientPenalty
from gan_rosetta.shared.spec.feeding import REAL_LABEL
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.losses import shown_samples
from gan_rosetta.shared.translate.writing import WIDTH, call, literal

# The pass of D that a gradient penalty is taken of, as its masks have it.
PENALISED = "discriminator.mixed.discriminator"


def given_beside(spec: GanSpec, network: str, /) -> list[str]:
    """Return what a network is given beside its samples, masks apart: "classes", and "codes", which G's noise holds."""
    fed = {layer.fed for layer in spec.networks()[network].all_layers}
    return [name for name, kind in (("classes", "class"), ("codes", "code")) if kind in fed]


def arrays_beside(spec: GanSpec, place: str, /) -> list[str]:
    """Return the expressions of what a pass, such as "generator.fake.discriminator", is given so, in that order."""
    phase, stream, network = place.split(".")
    names = {
        "classes": REAL_LABEL if stream == "real" else spec.training.fed_in(phase, "label"),
        "codes": spec.training.fed_in(phase, "latent"),
    }
    return [f'batch["{names[given]}"]' for given in given_beside(spec, network)]


def asked_beside(spec: GanSpec, classes: str, noise: str, /) -> list[str]:
    """Return what G is given beside noise where it is only asked: expressions of the classes in turn, and the noise."""
    return [{"classes": classes, "codes": noise}[given] for given in given_beside(spec, "generator")]


def generate(gan: GanSpec, phase: str, /, *, later: int, listed: bool = False) -> str:
    """Return the statement in which G makes samples.

    later: by how much it will be indented. listed: whether a network that is given more than one thing is given a list.
    """
    arguments = [f'batch["{gan.training.fed_in(phase, "latent")}"]']
    arguments += arrays_beside(gan, f"{phase}.fake.generator")
    arguments += _masks(gan, "generator", f"{phase}.fake.generator", listed=listed)
    return of_network("fake = generator(", arguments, later=later, listed=listed)


def judge(gan: GanSpec, before: str, place: str, samples: str, /, *, later: int, listed: bool = False) -> str:
    """Return the statement in which D is asked; as of generate. before: the name of what it says."""
    arguments = [shown_samples(gan, samples)]
    arguments += arrays_beside(gan, place)
    arguments += _masks(gan, "discriminator", place, listed=listed)
    return of_network(f"{before} = discriminator(", arguments, later=later, listed=listed)


def penalty_lines(gan: GanSpec, penalty: GradientPenalty, /, *, later: int) -> list[str]:
    """Return the lines that ask for the penalty at `mixed`, and add it to D's loss unless it is followed alone."""
    given = ["mixed", *([f'masks_of(batch, "{PENALISED}")'] if uses_masks(gan, "discriminator") else [])]
    if not penalty.alone:
        return [call("loss_d = loss_d + gradient_penalty(", given, later=later)]
    lines = ["# What D follows, alone.", call("penalty = gradient_penalty(", given, later=later)]
    if gan.training.discriminator_loss.score != "probability":
        # Of a score the last bias stands in no gradient by samples.
        lines.append("penalty = penalty + 0 * loss_d  # 0 for what the penalty does not hang on")
    return lines


def followed_by_discriminator(gan: GanSpec, /) -> str:
    """Return the name of what D's update differentiates."""
    return "penalty" if gan.penalty is not None and gan.penalty.alone else "loss_d"


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
