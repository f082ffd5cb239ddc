"""What a program's steps are fed where there is no tape: drawn by a seed."""

from __future__ import annotations

from gan_rosetta.shared.data.tape import array_shapes
from gan_rosetta.shared.spec import (
    DigitsReal,
    GanSpec,
    GaussianReal,
    HoledLatent,
    LinearGaussianReal,
    SineReal,
    ToyReal,
    passes,
)
from gan_rosetta.shared.spec.feeding import REAL_LABEL, is_drawn, is_label, labels
from gan_rosetta.shared.spec.sources import drawn_once
from gan_rosetta.shared.translate.feeds import (
    EPOCH,
    STEP_IN_EPOCH,
    asks_for_epoch,
    asks_for_step_in_epoch,
    may_be_short,
    uses_digits,
)
from gan_rosetta.shared.translate.latents import shows_parts
from gan_rosetta.shared.translate.writing import literal, number


def draw_batches(spec: GanSpec, /) -> str:
    """Return the function that draws what each step is fed."""
    real = spec.real
    signature = "seed: int, folder: Path" if uses_digits(spec) else "seed: int"
    lines = [
        f"def draw_batches({signature}) -> Iterator[dict[str, np.ndarray]]:",
        '    """Yield what each step is fed, drawn by a seed."""',
        "    random = np.random.default_rng(seed)",
    ]
    once = drawn_once(spec.latent)
    batch = number(spec.batch_size)
    for name in array_shapes(spec, "adversarial"):
        if once and name.startswith("latent"):
            lines.append(f"    {name} = draw_latent(random, {batch})  # once and for all")
        elif once and name.startswith("label"):
            lines.append(f"    {name} = random.integers({DigitsReal.num_classes}, size={batch})")
    if isinstance(real, LinearGaussianReal):
        rows = ", ".join(f"[{', '.join(map(number, row))}]" for row in real.matrix)
        offset = ", ".join(map(number, real.offset))
        lines += [
            f"    matrix = np.array([{rows}])",
            f"    points = random.normal(size=({number(real.num_points)}, {len(real.offset)})) @ matrix + [{offset}]",
        ]
        return "\n".join([*lines, *_epochs(spec, "points", shuffles=True, once=once)])
    if isinstance(real, DigitsReal):
        read = "images, classes" if REAL_LABEL in labels(spec) else "images"
        lines.append(f"    {read} = read_digits(folder)")
        if may_be_short(spec):
            lines += ["    if len(images) == 0:", '        raise SystemExit(f"{folder} has no images")']
        else:
            lines += [
                f"    if len(images) < {batch}:",
                f'        raise SystemExit(f"{{folder}} has {{len(images)}} images, fewer than a batch of {batch}")',
            ]
        return "\n".join([*lines, *_epochs(spec, "images", shuffles=real.reshuffle, once=once)])
    if isinstance(real, SineReal):
        points = number(real.num_points)
        lines.append(f"    real = np.tile(np.sin(np.linspace(0, 2 * np.pi, {points})), ({batch}, 1))")
        drawn = "real"
    elif isinstance(real, ToyReal):
        drawn = f"draw_points(random, {batch})"
    else:
        drawn = _gaussian(real, batch)
    several = spec.training.steps_per_batch > 1 and not isinstance(real, SineReal)
    entries = _entries(spec, "real" if several else drawn, batch, once=once)
    lines.append("    while True:")
    lines += [f"        real = {drawn}", *_serving(spec, "_", indent=8)] if several else []
    return "\n".join([*lines, literal("yield {", entries, "}", indent=12 if several else 8)])


def _serving(spec: GanSpec, counter: str, /, *, indent: int) -> list[str]:
    """Return the line of a loop over the steps that a batch serves."""
    return [f"{' ' * indent}for {counter} in range({number(spec.training.steps_per_batch)}):  # steps with this batch"]


def _gaussian(real: GaussianReal, batch: str) -> str:
    drawn = f"random.normal({number(real.mean)}, {number(real.standard_deviation)}, ({batch}, 1))"
    return f"np.sort({drawn}, axis=0)" if real.sort else drawn


def _epochs(spec: GanSpec, pool: str, *, shuffles: bool, once: bool) -> list[str]:
    batch = number(spec.batch_size)
    order = f"random.permutation(len({pool}))" if shuffles else f"np.arange(len({pool}))"
    times = spec.training.steps_per_batch
    cut, real = list[str](), f"{pool}[rows]"
    if isinstance(spec.latent, HoledLatent):
        names, real = ("holed, parts", "parts") if shows_parts(spec) else ("holed", real)
        cut = [f"            {names} = cut_holes(random, {pool}[rows])"]
    entries = _entries(spec, real, "len(rows)", once=once)
    if asks_for_epoch(spec):
        entries.append(f'"{EPOCH}": np.array(epoch)')
    if asks_for_step_in_epoch(spec):
        place = f"start // {batch}" if times == 1 else f"start // {batch} * {number(times)} + again"
        entries.append(f'"{STEP_IN_EPOCH}": np.array({place})')
    again = "again" if asks_for_step_in_epoch(spec) else "_"
    starts = f"range(0, len({pool}), {batch}):"
    if not may_be_short(spec):
        starts = f"range(0, len({pool}) - {number(spec.batch_size - 1)}, {batch}):  # without a short batch at the end"
    return [
        "    for epoch in itertools.count():" if asks_for_epoch(spec) else "    while True:",
        f"        order = {order}",
        f"        for start in {starts}",
        f"            rows = order[start : start + {batch}]",
        *cut,
        *(_serving(spec, again, indent=12) if times > 1 else []),
        literal("yield {", entries, "}", indent=12 if times == 1 else 16),
    ]


def _entries(spec: GanSpec, real: str, count: str, *, once: bool) -> list[str]:
    entries = [f'"real": {real}']
    has_masks = False
    for name, shape in array_shapes(spec, "adversarial").items():
        if is_drawn(name):
            has_masks = True
        elif name == REAL_LABEL:
            entries.append('"real_label": classes[rows]')
        elif once and name not in ("real", "mix", "perturbation"):
            entries.append(f'"{name}": {name}[: {count}]' if may_be_short(spec) else f'"{name}": {name}')
        elif name.startswith("latent") and isinstance(spec.latent, HoledLatent):
            entries.append(f'"{name}": holed')
        elif name.startswith("latent"):
            entries.append(f'"{name}": draw_latent(random, {count})')
        elif is_label(name):
            entries.append(f'"{name}": random.integers({DigitsReal.num_classes}, size={count})')
        elif name in ("mix", "perturbation"):
            entries.append(f'"{name}": random.random(({count}, {", ".join(map(number, shape))}))')
    return [*entries, f"**draw_masks(random, {count})"] if has_masks else entries


def draw_pretraining(spec: GanSpec, /) -> str:
    """Return the function that draws what the steps of pretraining are fed; raises TypeError where there are none."""
    if spec.pretraining is None:
        raise TypeError(f"{spec.name!r} has no pretraining")
    data, batch = spec.pretraining.data, number(spec.batch_size)
    low, high, mean, deviation = map(number, (data.low, data.high, data.mean, data.standard_deviation))
    drawn = '{"pretrain_input": places, "pretrain_target": density}'
    yielded = f"yield {drawn}"
    if passes(spec)["pretraining", "input", "discriminator"].masks:
        yielded = f"masks = draw_masks(random, len(places))\n        yield masks | {drawn}"
    return f'''\
def draw_pretraining(seed: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield places, and the density of real samples there, to which D is fitted first."""
    random = np.random.default_rng([seed, 1])
    while True:
        places = random.uniform({low}, {high}, ({batch}, 1))
        distances = (places - {mean}) / {deviation}
        density = np.exp(-(distances**2) / 2) / ({deviation} * np.sqrt(2 * np.pi))
        {yielded}'''
