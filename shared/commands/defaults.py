"""The command `gan-rosetta defaults`."""

from __future__ import annotations

from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    FAILURE,
    TRAINED,
    Images,
    Mnist,
    PageFile,
    Seed,
    SpecFile,
    errors,
    require_one_source,
    say,
    tell,
)
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.runs.order import DEFAULT_SEED, require_count
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.storage.opening import require_place


def defaults(
    gans: Annotated[list[str] | None, typer.Argument(help="GANs to measure in; all where none is named.")] = None,
    *,
    spec: SpecFile = None,
    seed: Seed = DEFAULT_SEED,
    mnist: Mnist = None,
    images: Images = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            rich_help_panel=TRAINED,
            help="Also ask over so many seeds, of GANs whose step is small, whether each changes what comes out; 36 "
            "decide at least.",
        ),
    ] = None,
    markdown: PageFile = None,
) -> None:
    """Measure what each framework's own defaults would have changed, against the GANs as they are described."""
    from gan_rosetta.shared.defaults.session import run_defaults  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.gans import PUBLISHED, find_gan  # noqa: PLC0415
    from gan_rosetta.shared.report.defaults_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.defaults_table import defaults_lines  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    require_one_source(gans, spec)
    require_count("--seeds", seeds, minimum=2)
    given = make_request(spec, seed=seed, mnist=mnist, images=images)
    named = [find_gan(name) for name in dict.fromkeys(gans or PUBLISHED)]
    specs = named if given.spec is None else [given.spec]
    results, failures = run_defaults(specs, given.feed, watch=on_terminal(errors))
    if seeds is not None:
        from gan_rosetta.shared.defaults.over_seeds import with_changes  # noqa: PLC0415

        results, failed = with_changes(results, specs, seed=seed, num_seeds=seeds, watch=on_terminal(errors))
        failures += failed
    for result in results:
        for line in defaults_lines(result):
            say(line)
    for outcome in failures:
        text = f"gan-rosetta: {outcome.settings.gan}: {outcome.message}"
        tell(text)
    if markdown is not None and results:
        for path in write_page(markdown, results, seed=seed):
            say(f"Written: {path}")
    raise typer.Exit(FAILURE if failures else 0)
