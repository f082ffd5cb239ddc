"""A whole program: its head, its settings, and the sections of a dialect in the order in which a lesson has them."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from gan_rosetta.shared.errors import UnsupportedLayer, unknown_name
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate import in_flax, in_jax, in_keras, in_mxnet, in_tensorflow, in_torch
from gan_rosetta.shared.translate.data import data_imports, data_section
from gan_rosetta.shared.translate.feeds import uses_digits
from gan_rosetta.shared.translate.picture import picture_section
from gan_rosetta.shared.translate.writing import WIDTH, docstring, number, plain, speaks_of

# Modules with the same functions in the same order.
DIALECTS: dict[str, ModuleType] = {
    "torch": in_torch,
    "tensorflow": in_tensorflow,
    "keras": in_keras,
    "mxnet": in_mxnet,
    "jax": in_jax,
    "flax": in_flax,
}


def find_dialect(name: str, /) -> ModuleType:
    """Return a dialect by its name; raises UsageError, with the nearest name, where there is none."""
    if name not in DIALECTS:
        raise unknown_name("dialect", name, DIALECTS)
    return DIALECTS[name]


def write_program(spec: GanSpec, dialect: ModuleType, /, *, proof: Sequence[str] = ()) -> str:
    """Return the text of a program that trains a GAN; raises UnsupportedLayer where the dialect lacks a layer.

    proof: what is to be said in its head of how it was proved, a sentence each.
    """
    for network in spec.networks().values():
        for layer in network.all_layers:
            if type(layer) not in dialect.LAYERS:
                raise UnsupportedLayer(f"{dialect.TITLE} has no {type(layer).__name__} to write")
    sections = {
        "Data": data_section(spec),
        "Model": dialect.model_section(spec),
        "Losses": dialect.losses_section(spec),
        "Optimizers": dialect.optimizers_section(spec),
        "Step": dialect.step_section(spec),
        "Loop": dialect.loop_section(spec),
        "Picture": picture_section(spec),
    }
    settings = f"{_options(spec)}\n\n{dialect.settings_section(spec)}"
    body = [
        write_head(spec, dialect, proof),
        _imports(spec, dialect, "\n".join([settings, *sections.values()])),
        settings,
    ]
    text = "\n\n".join(body)
    for title, section in sections.items():
        begins_with_definition = section.startswith(("def ", "class ", "@"))
        gap = "\n\n\n" if begins_with_definition or _ends_in_definition(text) else "\n\n"
        text += f"{gap}# {title}\n{'' if not begins_with_definition else chr(10) * 2}{section}"
    return f"{text}\n"


def _ends_in_definition(text: str) -> bool:
    last = text.rstrip().splitlines()[-1]
    return last.startswith((" ", "}", ")")) and last.startswith(" ")


def write_head(spec: GanSpec, dialect: ModuleType, proof: Sequence[str], /) -> str:
    """Return the docstring of a program: what it is, after whom, and how it was proved; all text of a spec is in it."""
    title = plain(spec.title).rstrip(".") or spec.name
    source = plain(spec.source).rstrip(".")
    summary, paragraphs = f"{title}, in {dialect.TITLE}.", list[str]()
    if len(summary) > WIDTH - 3:
        summary, paragraphs = f"A GAN, in {dialect.TITLE}.", [f"{title}."]
    paragraphs += [f"After {source}."] if source else []
    said = f"Written by gan-rosetta from its description of {spec.name}."
    paragraphs.append(plain(" ".join([said, *proof])))  # with versions, as an environment has them
    return docstring(summary, paragraphs)


def _imports(spec: GanSpec, dialect: ModuleType, text: str) -> str:
    standard = {"import argparse", "from pathlib import Path"}
    standard |= set(data_imports(spec))
    standard |= {f"import {name}" for name in ("itertools", "math", "struct", "zlib") if speaks_of(text, name)}
    used = [name for name in ("Callable", "Iterable", "Iterator", "Sequence") if f"{name}[" in text]
    standard.add(f"from collections.abc import {', '.join(used)}")
    names = [name for name in ("Any", "NamedTuple") if speaks_of(text, name)]
    standard |= {f"from typing import {', '.join(names)}"} if names else set()
    standard |= {"from functools import partial"} if "partial(" in text else set()
    ordered = sorted(standard, key=lambda line: (line.startswith("from"), line))
    return "\n".join(ordered) + "\n\n" + "\n".join(dialect.imports(spec))


def _options(spec: GanSpec) -> str:
    lines = [
        "parser = argparse.ArgumentParser()",
        f'parser.add_argument("--steps", type=int, default={number(spec.training.num_steps)})',
    ]
    if spec.pretraining is not None:
        count = number(spec.pretraining.num_steps)
        lines.append(f'parser.add_argument("--pretraining-steps", type=int, default={count})')
    lines.append('parser.add_argument("--seed", type=int, default=0)')
    if uses_digits(spec):
        lines.append('parser.add_argument("--mnist", type=Path, help="folder with MNIST\'s own .gz files")')
    lines += [
        'parser.add_argument("--tape", type=Path, help=".npz with the batches; drawn by --seed if absent")',
        'parser.add_argument("--state", type=Path, help=".safetensors that training goes on from")',
        'parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")',
        'parser.add_argument("--out", type=Path, default=Path("trained"), help="folder for what is left")',
        "options = parser.parse_args()",
    ]
    return "\n".join(lines)
