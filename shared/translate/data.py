"""A program's data, which is NumPy's alone and so the same in every dialect: read from a tape, or drawn by a seed."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.data.tape import array_shapes, repeats
from gan_rosetta.shared.spec import (
    Augment,
    DigitsReal,
    Dropout,
    GanSpec,
    GaussianReal,
    HoledLatent,
    LinearGaussianReal,
    PlacedLayer,
    SineReal,
    ToyReal,
    passes,
)
from gan_rosetta.shared.spec.feeding import REAL_LABEL, is_drawn, is_label, is_mask, labels
from gan_rosetta.shared.spec.optimizers import counts_epochs
from gan_rosetta.shared.spec.sources import drawn_once
from gan_rosetta.shared.translate.latents import draw_latent, shows_parts
from gan_rosetta.shared.translate.parts import optimizer_uses
from gan_rosetta.shared.translate.toys import draw_points
from gan_rosetta.shared.translate.writing import call, indented, literal, number, numbers

_DIGIT_SIZE = 28


def data_section(spec: GanSpec, /) -> str:
    """Return the functions that read and draw what the steps are fed."""
    parts = [_read_state(), *_first_balance(spec), _read_batches(spec), draw_latent(spec)]
    if _has_masks(spec):
        parts.append(_draw_masks(spec))
    if isinstance(spec.real, DigitsReal):
        parts += [_resize(spec.real)] if spec.real.size != _DIGIT_SIZE else []
        parts.append(_read_digits(spec, spec.real))
    if isinstance(spec.real, ToyReal):
        parts.append(draw_points(spec.real))
    parts.append(_draw_batches(spec))
    if spec.pretraining is not None:
        parts.append(_draw_pretraining(spec))
    return "\n\n\n".join(parts)


def data_imports(spec: GanSpec, /) -> list[str]:
    """Return the modules of the standard library that the section needs."""
    digits = ["import gzip"] if isinstance(spec.real, DigitsReal) else []
    return [*digits, "import json"]


def drawn_call(spec: GanSpec, /) -> str:
    """Return the call that draws batches where there is no tape."""
    return "draw_batches(options.seed, options.mnist)" if uses_digits(spec) else "draw_batches(options.seed)"


def uses_digits(spec: GanSpec, /) -> bool:
    """Whether a program draws from files of digits."""
    return isinstance(spec.real, DigitsReal)


# Under which a batch says in which pass over the real data it is, and which step of that it is.
EPOCH, STEP_IN_EPOCH = "epoch", "step_in_epoch"


def asks_for_epoch(spec: GanSpec, /) -> bool:
    """Whether a rate hangs on how many passes over the real data came before."""
    return any(counts_epochs(use.optimizer) for use in optimizer_uses(spec))


def asks_for_step_in_epoch(spec: GanSpec, /) -> bool:
    """Whether a player's turns are counted within each pass over the real data."""
    turns = (spec.training.discriminator_steps, spec.training.generator_steps)
    return any(each.counted == "epoch" and each.period > 1 for each in turns)


def may_be_short(spec: GanSpec, /) -> bool:
    """Whether the last batch of an epoch may have fewer samples than the others."""
    if isinstance(spec.real, DigitsReal):
        return spec.real.short_batch != "dropped"
    return isinstance(spec.real, LinearGaussianReal)


def _read_state() -> str:
    return '''\
def read_state(path: Path) -> dict[str, np.ndarray]:
    """Return what a .safetensors file holds: a length, what there is as JSON, then the numbers."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    kinds = {"F64": np.float64, "F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, found in header.items():
        begin, end = found["data_offsets"]
        numbers = np.frombuffer(content[start + begin : start + end], kinds[found["dtype"]])
        tensors[name] = numbers.reshape(found["shape"])
    return tensors'''


def _first_balance(spec: GanSpec) -> list[str]:
    loss = spec.training.balanced
    if loss is None:
        return []
    return [
        f'''\
def first_balance() -> float:
    """Return what D's loss balances its terms by where training begins."""
    state = read_state(options.state) if options.state is not None else {{}}
    return float(state.get("training.balance", {number(loss.initial_balance)}))'''
    ]


def _read_batches(spec: GanSpec) -> str:
    whole = spec.pretraining is None
    signature = "path: Path" if whole else "path: Path, *, pretraining: bool = False"
    lines = [
        f"def read_batches({signature}) -> Iterator[dict[str, np.ndarray]]:",
        '    """Yield what each step is fed, as a tape has it: a row a step, what repeats stored once."""',
        "    tape = dict(np.load(path))",
    ]
    if may_be_short(spec):
        lines.append(f'    sizes = tape.pop("batch_size", [{_batch_of(spec)}])  # the last batch of an epoch is short')
    if spec.training.counts_epochs:
        is_asked = asks_for_epoch(spec) or asks_for_step_in_epoch(spec)
        lines.append(
            f"    {'epoch = int(tape.pop({}))' if is_asked else 'del tape[{}]'}".replace("{}", '"steps_per_epoch"')
        )
    if not whole:
        lines += [
            "    tape = {",
            "        name: array",
            "        for name, array in tape.items()",
            '        if name.startswith(("pretrain", "mask.pretraining")) == pretraining',
            "    }",
        ]
    fresh = [name for name in array_shapes(spec, "adversarial") if not repeats(spec, name)]
    if not fresh:
        lines.append("    for step in itertools.count():")
    elif whole:
        lines.append(f'    for step in range(len(tape["{fresh[0]}"])):')
    else:
        lines.append(f'    fresh = "pretrain_input" if pretraining else "{fresh[0]}"')
        lines.append("    for step in range(len(tape[fresh])):")
    rows = "array[step % len(array)]"
    if may_be_short(spec):
        if not whole:
            lines.append("        size = None if pretraining else sizes[step % len(sizes)]")
        rows += "[:size]"
    if may_be_short(spec) and whole:
        lines.append("        size = sizes[step % len(sizes)]")
    batch = f"{{name: {rows} for name, array in tape.items()}}"
    places = [f'"{EPOCH}": np.array(step // epoch)'] if asks_for_epoch(spec) else []
    places += [f'"{STEP_IN_EPOCH}": np.array(step % epoch)'] if asks_for_step_in_epoch(spec) else []
    if places:
        lines += [f"        batch = {batch}", literal("yield batch | {", places, "}", indent=8)]
    else:
        lines.append(f"        yield {batch}")
    return "\n".join(lines)


def _batch_of(spec: GanSpec) -> str:
    return number(spec.batch_size)


def sample_noise(spec: GanSpec, /) -> list[str]:
    """Return the lines that make what G is given for the samples that a program leaves, 64 of them."""
    if not isinstance(spec.latent, HoledLatent):
        return ["noise = draw_latent(np.random.default_rng([options.seed, 2]), 64)"]
    return [
        call("first = next(", [f"read_batches(options.tape) if options.tape else {drawn_call(spec)}"]),
        f'noise = np.resize(first["latent_d"], {numbers([64, *spec.latent.sample_shape])})',
    ]


def _has_masks(spec: GanSpec) -> bool:
    return any(each.masks for each in passes(spec).values())


def _draw_masks(spec: GanSpec) -> str:
    entries = []
    augmenting = _draw_augmentations(spec)
    for network_name, network in spec.networks().items():
        places = [each for each in passes(spec).values() if each.network == network_name and each.masks]
        dropped = [
            f'"{placed.name}": ({numbers(placed.layer.mask_shape(placed.input_shape))}, '
            f"{number(placed.layer.probability)})"
            for placed in network.placed
            if isinstance(placed.layer, Dropout)
        ]
        if dropped:
            places = [each for each in places if any(is_mask(mask.name) for mask in each.masks)]
            names = [
                f'"{each.phase}.{each.stream}.{network_name}"'
                for each in places
                if all(mask.name == mask.drawn_as for mask in each.masks if is_mask(mask.name))
            ]
            entries.append(
                (literal("for place in (", _one(names), "):", later=4), literal("layers = {", dropped, "}", later=4))
            )
    lines = [
        "def draw_masks(random: np.random.Generator, num_samples: int) -> dict[str, np.ndarray]:",
        f'    """Return what each {_drawing(spec)} through its network."""',
        "    masks = {}",
    ]
    for loop, layers in entries:
        lines += [
            "    # The shape of a mask, and how often an entry of it is dropped.",
            indented(layers, by=4),
            indented(loop, by=4),
            "        for name, (shape, probability) in layers.items():",
            "            drawn = random.random((num_samples, *shape))",
            '            masks[f"mask.{place}.{name}"] = drawn >= probability',
        ]
    lines += augmenting
    if spec.training.dropout_masks == "shared" and entries:
        shown = [f'"mask.discriminator.{each}.discriminator."' for each in _shown_again(spec)]
        both = "both batches" if len(shown) > 1 else "G's batch"
        lines += [
            f"    # D drops the same of {both} in both updates.",
            f"    shown = ({', '.join(_one(shown))})",
            "    for name in [name for name in masks if name.startswith(shown)]:",
            '        masks[name.replace("discriminator", "generator", 1)] = masks[name]',
        ]
    return "\n".join([*lines, "    return masks"])


def _drawing(spec: GanSpec) -> str:
    layers = [layer for network in spec.networks().values() for layer in network.all_layers]
    kinds = {"dropout keeps": Dropout, "augmentation draws": Augment}
    said = [words for words, kind in kinds.items() if any(isinstance(layer, kind) for layer in layers)]
    # A line has no room for more.
    return f"{' and '.join(said)}, in each pass{' of a step' if len(said) == 1 else ''}"


def _draw_augmentations(spec: GanSpec) -> list[str]:
    """Return the lines that draw what augmentations change images by, a row a sample."""
    lines = []
    for network_name, network in spec.networks().items():
        drawn = [
            f'"{placed.name}": {_drawn_by(placed)}' for placed in network.placed if isinstance(placed.layer, Augment)
        ]
        places = [each for each in passes(spec).values() if each.network == network_name]
        if drawn:
            names = [f'"{each.phase}.{each.stream}.{network_name}"' for each in places]
            lines += [
                indented(literal("for place in (", _one(names), "):", later=4), by=4),
                indented(literal("layers = {", drawn, "}", later=8), by=8),
                '        masks |= {f"augment.{place}.{name}": drawn for name, drawn in layers.items()}',
            ]
    return lines


def _drawn_by(placed: PlacedLayer) -> str:
    layer: Any = placed.layer
    if layer.policy == "colour":
        return "random.random((num_samples, 3)) * (1.0, 2.0, 1.0) + (-0.5, 0.0, 0.5)"
    pairs = [(size, layer.reach(size)) for size in placed.input_shape[1:]]
    if layer.policy == "translation":
        low, high = numbers([-reach for _, reach in pairs]), numbers([reach + 1 for _, reach in pairs])
        return f"random.integers({low}, {high}, (num_samples, 2))"
    return f"random.integers(0, {numbers([size + 1 - reach % 2 for size, reach in pairs])}, (num_samples, 2))"


def _shown_again(spec: GanSpec) -> list[str]:
    """Return the streams that D sees in G's update too."""
    again = ("generator", "discriminator")
    return [each.stream for each in passes(spec).values() if (each.phase, each.network) == again]


def _one(names: list[str]) -> list[str]:
    """Return a tuple's entries; of one alone with the comma that makes it a tuple."""
    return [f"{names[0]},"] if len(names) == 1 else names


def _resize(real: DigitsReal) -> str:
    size = number(real.size)
    return f'''\
def resize(images: np.ndarray) -> np.ndarray:
    """Return images of {_DIGIT_SIZE} by {_DIGIT_SIZE} as {size} by {size}, bilinear between the centres of pixels."""
    centres = (np.arange({size}) + 0.5) * {_DIGIT_SIZE} / {size} - 0.5
    distances = np.abs(centres[:, np.newaxis] - np.arange({_DIGIT_SIZE}))
    weights = np.maximum(0, 1 - distances / max(1, {_DIGIT_SIZE} / {size}))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ images @ weights.T'''


def _read_digits(spec: GanSpec, real: DigitsReal) -> str:
    grey = "resize(pixels / 255)" if real.size != _DIGIT_SIZE else "pixels / 255"
    low, width = number(real.low), number(real.high - real.low)
    scaled = f"{low} + {width} * {grey}"
    if float(real.low) == 0 and float(real.high) == 1:
        scaled = grey
    count = "" if real.num_images is None else f"[:{number(real.num_images)}]"
    channels = "" if real.num_channels == 1 else f".repeat({number(real.num_channels)}, axis=1)"
    images = f"({scaled})" if channels or " " in scaled else scaled
    with_classes = REAL_LABEL in labels(spec)
    result = "tuple[np.ndarray, np.ndarray]" if with_classes else "np.ndarray"
    lines = [
        f"def read_digits(folder: Path) -> {result}:",
        f'    """Return MNIST\'s training images{" and their classes" if with_classes else ""}, from its own files."""',
        '    content = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())',
        f"    pixels = np.frombuffer(content, np.uint8, offset=16).reshape(-1, {_DIGIT_SIZE}, {_DIGIT_SIZE}){count}",
        f"    images = {images}[:, np.newaxis]{channels}",
    ]
    if not with_classes:
        return "\n".join([*lines[:-1], lines[-1].replace("images =", "return", 1)])
    return "\n".join(
        [
            *lines,
            '    content = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())',
            f"    return images, np.frombuffer(content, np.uint8, offset=8){count}.astype(np.int64)",
        ]
    )


def _draw_batches(spec: GanSpec) -> str:
    real = spec.real
    signature = "seed: int, folder: Path" if uses_digits(spec) else "seed: int"
    lines = [
        f"def draw_batches({signature}) -> Iterator[dict[str, np.ndarray]]:",
        '    """Yield what each step is fed, drawn by a seed."""',
        "    random = np.random.default_rng(seed)",
    ]
    once = drawn_once(spec.latent)
    batch = _batch_of(spec)
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
    batch = _batch_of(spec)
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


def _draw_pretraining(spec: GanSpec) -> str:
    if spec.pretraining is None:
        raise TypeError(f"{spec.name!r} has no pretraining")
    data, batch = spec.pretraining.data, _batch_of(spec)
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


def uses_classes(spec: GanSpec, network: str, /) -> bool:
    """Whether a network is fed classes."""
    return any(layer.fed == "class" for layer in spec.networks()[network].all_layers)


def uses_masks(spec: GanSpec, network: str, /) -> bool:
    """Whether a network is fed masks."""
    return any(layer.fed == "mask" for layer in spec.networks()[network].all_layers)
