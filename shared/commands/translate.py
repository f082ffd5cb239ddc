"""The command `gan-rosetta translate`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gan_rosetta.shared.commands.options import (
    FAILURE,
    TRAINED,
    BatchSize,
    InitialState,
    Json,
    Mnist,
    PretrainSteps,
    Quiet,
    Seed,
    SpecFile,
    Steps,
    say,
    status_of_verdicts,
    tell,
)
from gan_rosetta.shared.commands.read import Average, Like, Optimizers, read_or_end
from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.runs.order import DEFAULT_SEED, require_count
from gan_rosetta.shared.storage.scratch import temporary_folder

if TYPE_CHECKING:
    from gan_rosetta.shared.spec import GanSpec
    from gan_rosetta.shared.translate.translation import ProofOptions, Translation


def translate(
    gan: Annotated[
        str | None,
        typer.Argument(
            help="A GAN's name, see `gan-rosetta list`; or FILE.py:G,D, your networks in PyTorch, Keras, Gluon or flax."
        ),
    ] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", help="The framework to write it in; of a table each where not given.")
    ] = None,
    spec: SpecFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The program to write, FILE.py or FILE.ipynb; printed where not given."),
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Translate that GAN, or every one, and print a table in place of programs.")
    ] = False,
    drawn: Annotated[
        int | None,
        typer.Option("--drawn", help="Such a table of so many GANs drawn at random by --seed."),
    ] = None,
    like: Like = None,
    optimizers: Optimizers = None,
    average: Average = None,
    steps: Steps = None,
    pretrain_steps: PretrainSteps = None,
    batch_size: BatchSize = None,
    seed: Seed = DEFAULT_SEED,
    initial_state: InitialState = None,
    mnist: Mnist = None,
    python: Annotated[
        str | None,
        typer.Option("--python", rich_help_panel=TRAINED, help="The Python of an environment to prove the program in."),
    ] = None,
    native: Annotated[
        bool,
        typer.Option(
            "--native",
            help="Keep to the framework's own layers and optimizers; say what they do otherwise.",
        ),
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a GAN as a training program of a framework. It is run by itself and judged before it is handed over.

    --steps, --pretrain-steps and --batch-size are those of the proof; the program has the GAN's own. A program that
    does not agree is not written: the place where it parts is named, and the status is 1.

    FILE.py:G,D is read first, as `read` does it with --like, --optimizers and --average; the program is proved from the
    weights and what the optimizers have kept, which are written beside it, for its own --state.
    """
    from gan_rosetta.shared.translate import translation  # noqa: PLC0415 - commands import what they need

    is_table = table or drawn is not None
    to, *others = _dialects(to, is_table=is_table)
    options: translation.ProofOptions = {
        "steps": steps,
        "pretrain_steps": pretrain_steps,
        "batch_size": batch_size,
        "seed": seed,
        "initial_state": initial_state,
        "mnist": mnist,
        "python": python,
        "native": native,
    }
    if is_table:
        _require_alone(gan, spec, out, drawn=drawn, table=table)
        raise typer.Exit(_print_table(_table_of(gan, drawn, seed), [to, *others], options, as_json=as_json))
    if (gan is None) == (spec is None):
        found = "neither" if gan is None else "both"
        raise UsageError(f"expected a GAN's name or --spec FILE.toml, one of the two; found {found}")
    if out is not None:
        translation.require_new_program(out)
    if gan is not None and ".py:" in gan:
        done = _through(gan, to, options, like=like, optimizers=optimizers, average=average, out=out)
    else:
        _require_nothing_read(gan or f"--spec {spec}", like, optimizers, average)
        done = _translate(Path(spec) if spec is not None else str(gan), to, options)
    status = status_of_verdicts([done.proof.verdict])
    if status == 0 and out is not None:
        translation.write_translation(out, done)
    if as_json:
        _print_json([done], status)
        raise typer.Exit(status)
    if status == 0 and out is None:
        # Bytes, since a program is UTF-8 whatever the terminal's encoding is.
        typer.echo(done.text.encode(), nl=False)
    if status != 0 or not quiet:
        tell(done.sentence)
        for difference in done.differences:
            tell(f"Otherwise than described, {difference.sentence}")
    if status == 0 and out is not None and not quiet:
        say(f"Written: {out}, {done.num_lines} lines")
    raise typer.Exit(status)


def _dialects(to: str | None, *, is_table: bool) -> list[str]:
    """Return the dialect that is named, or of a table all of them where none is; raises UsageError."""
    from gan_rosetta.shared.translate.program import DIALECTS, find_dialect  # noqa: PLC0415

    if to is not None:
        find_dialect(to)
    elif not is_table:
        raise UsageError(f"translate needs --to, the framework to write it in; known: {', '.join(DIALECTS)}")
    return list(DIALECTS) if to is None else [to]


def _through(
    program: str,
    to: str,
    options: ProofOptions,
    *,
    like: str | None,
    optimizers: str | None,
    average: str | None,
    out: Path | None,
) -> Translation:
    """Read a program's networks, translate them, and write their weights beside the program that agrees."""
    from gan_rosetta.shared.state.archive import write_state  # noqa: PLC0415

    if like is None or out is None:
        raise UsageError(f"{program} needs --like, the GAN that has its data, and --out, beside which its weights go")
    if options.get("initial_state") is not None:
        raise UsageError(f"{program} has weights of its own; leave out --initial-state")
    weights = out.with_suffix(".safetensors")
    if weights.exists():
        raise UsageError(f"{weights} already exists; name another --out, or move that one away")
    reading = read_or_end(program, like=like, optimizers=optimizers, average=average, out=out)
    with temporary_folder() as folder:
        start = folder / "read.safetensors"
        write_state(start, reading.state, metadata={"gan": reading.spec.name})
        done = _translate(reading.spec, to, {**options, "initial_state": start})
    if done.proof.verdict == "AGREE":
        write_state(weights, reading.state, metadata={"gan": reading.spec.name})
        say(f"Written: {weights}, for its --state")
    return done


def _require_nothing_read(gan: str, like: str | None, optimizers: str | None, average: str | None) -> None:
    options = {"--like": like, "--optimizers": optimizers, "--average": average}
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"{' and '.join(given)} is of networks that are read from FILE.py:G,D; found {gan}")


def _translate(gan: str | Path | GanSpec, to: str, options: ProofOptions) -> Translation:
    """Translate; raises RunFailed, with what was translated, where the program does not run."""
    from gan_rosetta.shared.translate.translation import translate as translated  # noqa: PLC0415

    try:
        return translated(gan, to=to, **options)
    except RunFailed as error:
        raise RunFailed(f"{getattr(gan, 'name', gan)} to {to}: {error}") from None


def _require_alone(gan: str | None, spec: Path | None, out: Path | None, *, drawn: int | None, table: bool) -> None:
    option, of = ("--table", "of the catalogue's GANs") if table else ("--drawn", "of GANs drawn at random")
    named = None if table and drawn is None else gan
    given = [str(name) for name in (named, spec and f"--spec {spec}", out and f"--out {out}") if name]
    given += [f"--drawn {drawn}"] if table and drawn is not None else []
    if given:
        raise UsageError(f"{option} is {of}, and prints no program; leave out {', '.join(given)}")


def _table_of(gan: str | None, drawn: int | None, seed: int) -> list[GanSpec]:
    """Return the GANs of a table: the one that is named, all of the catalogue, or so many drawn by a seed."""
    from gan_rosetta.shared.gans import CATALOGUE, find_gan  # noqa: PLC0415
    from gan_rosetta.shared.generate.session import draw_specs  # noqa: PLC0415

    if drawn is None:
        return list(CATALOGUE.values()) if gan is None else [find_gan(gan)]
    require_count("--drawn", drawn, minimum=1)
    return draw_specs(drawn, seed=seed)


def _print_table(gans: Sequence[GanSpec], dialects: Sequence[str], options: ProofOptions, *, as_json: bool) -> int:
    """Translate GANs and print a line of each; one of which no program runs is named, and the others go on."""
    from gan_rosetta.shared.report.translation_table import TRANSLATION_HEAD, translation_row  # noqa: PLC0415
    from gan_rosetta.shared.translate.proof import ReferenceOnce  # noqa: PLC0415
    from gan_rosetta.shared.translate.translation import translate as translated  # noqa: PLC0415

    found: list[Translation] = []
    failed = False
    for line in () if as_json else TRANSLATION_HEAD:
        say(line)
    once = ReferenceOnce()
    for gan, to in itertools.product(gans, dialects):
        try:
            found.append(translated(gan, to=to, once=once, **options))
        except RunFailed as error:
            tell(f"gan-rosetta: {gan.name} to {to}: {error}")
            failed = True
            continue
        if not as_json:
            say(translation_row(found[-1]))
    status = FAILURE if failed else status_of_verdicts([each.proof.verdict for each in found])
    if as_json:
        _print_json(found, status)
    return status


def _print_json(found: Sequence[Translation], status: int) -> None:
    from gan_rosetta.shared.report.shown import as_json as in_ascii  # noqa: PLC0415

    entries = [{**each.as_data(), "program": each.text} for each in found]
    document = {"format": 1, "command": "translate", "status": status, "translations": entries}
    typer.echo(in_ascii(json.dumps(document, indent=1)))
