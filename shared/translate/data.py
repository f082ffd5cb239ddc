"""A program's data, which is NumPy's alone and so the same in every dialect: read from a tape, or drawn by a seed."""

from __future__ import annotations

from gan_rosetta.shared.data.tape import array_shapes, repeats
from gan_rosetta.shared.spec import DigitsReal, GanSpec, HoledLatent, ToyReal
from gan_rosetta.shared.translate.batches import draw_batches, draw_pretraining
from gan_rosetta.shared.translate.digits import read_digits
from gan_rosetta.shared.translate.feeds import (
    EPOCH,
    STEP_IN_EPOCH,
    asks_for_epoch,
    asks_for_step_in_epoch,
    may_be_short,
    uses_digits,
)
from gan_rosetta.shared.translate.latents import draw_latent
from gan_rosetta.shared.translate.masks import draw_masks, has_masks
from gan_rosetta.shared.translate.toys import draw_points
from gan_rosetta.shared.translate.writing import call, literal, number, numbers


def data_section(spec: GanSpec, /) -> str:
    """Return the functions that read and draw what the steps are fed."""
    parts = [_read_state(), *_first_balance(spec), _read_batches(spec), draw_latent(spec)]
    if has_masks(spec):
        parts.append(draw_masks(spec))
    if isinstance(spec.real, DigitsReal):
        parts += read_digits(spec, spec.real)
    if isinstance(spec.real, ToyReal):
        parts.append(draw_points(spec.real))
    parts.append(draw_batches(spec))
    if spec.pretraining is not None:
        parts.append(draw_pretraining(spec))
    return "\n\n\n".join(parts)


def data_imports(spec: GanSpec, /) -> list[str]:
    """Return the modules of the standard library that the section needs."""
    digits = ["import gzip"] if isinstance(spec.real, DigitsReal) else []
    return [*digits, "import json"]


def drawn_call(spec: GanSpec, /) -> str:
    """Return the call that draws batches where there is no tape."""
    return "draw_batches(options.seed, options.mnist)" if uses_digits(spec) else "draw_batches(options.seed)"


def sample_noise(spec: GanSpec, /) -> list[str]:
    """Return the lines that make what G is given for the samples that a program leaves, 64 of them."""
    if not isinstance(spec.latent, HoledLatent):
        return ["noise = draw_latent(np.random.default_rng([options.seed, 2]), 64)"]
    return [
        call("first = next(", [f"read_batches(options.tape) if options.tape else {drawn_call(spec)}"]),
        f'noise = np.resize(first["latent_d"], {numbers([64, *spec.latent.sample_shape])})',
    ]


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
        lines.append(
            f'    sizes = tape.pop("batch_size", [{number(spec.batch_size)}])  # the last batch of an epoch is short'
        )
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
