"""How train and compare carry out a plan: progress, what is written besides the records, what is said at the end."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gan_rosetta.shared.commands.groups import Showing
from gan_rosetta.shared.commands.options import (
    errors,
    output,
    report_failures,
    report_not_finite,
    say,
    status_of_verdicts,
    tell,
)
from gan_rosetta.shared.report.as_data import as_text, compare_as_data, ending_as_data, train_as_data
from gan_rosetta.shared.report.film import film_path, write_film
from gan_rosetta.shared.report.pictures import draw_across, draw_comparison, draw_pictures
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.report.seeds_table import across_lines, seeds_lines
from gan_rosetta.shared.report.tables import comparison_lines, pair_lines, run_lines, speed_lines
from gan_rosetta.shared.report.tensorboard import write_events
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.plan import Plan
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.runs.session import compare_plan, train_plan
from gan_rosetta.shared.seeds.session import AcrossSeeds, compare_across_seeds, train_across_seeds
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.workers.watching import Watch


class RunReporter:
    """Says and shows what a user wants to see of runs. open_report: also make the report and open it."""

    def __init__(self, shown: Showing, /, *, open_report: bool = False) -> None:
        self._shown = shown
        self._opens_report = open_report
        self._files: dict[str, Any] = {}

    def train(self, plan: Plan, folder: Path, /) -> int:
        """Train what is planned, say what came of it and return the exit status."""
        outcomes, trained = train_plan(plan, watch=self._watch, on_run=self._on_trained)
        runs = [run for run, _ in trained]
        self._write_films([([run], spec) for run, spec in trained])
        from_seeds, across = train_across_seeds(plan, watch=self._watch)
        if across:
            draw_across(folder / plan.jobs[0].gan, plan.jobs[0].gan, across)
        outcomes = [*outcomes, *from_seeds]
        status = report_failures(outcomes, verbose=self._shown.verbose)
        report_not_finite(runs)
        if self._shown.as_json:
            self._say_data(train_as_data(runs, across, **ending_as_data(status, folder, outcomes, self._files)))
        elif runs and not self._shown.quiet:
            for line in [*run_lines(runs), *(line for found in across for line in seeds_lines(found))]:
                say(line)
            self._say_files()
        return status

    def compare(self, plan: Plan, folder: Path, /) -> int:
        """Train and compare what is planned, say what came of it and return the exit status."""
        if not self._shown.quiet:
            for line in plan.left_out:
                tell(line)
        num_gans = len({job.gan for job in plan.jobs})

        def on_comparison(comparison: GanComparison) -> None:
            # Before the pictures, whose first one takes seconds.
            if num_gans > 1 and not (self._shown.quiet or self._shown.as_json):
                tell(f"{comparison.spec.name}: {comparison.verdict}")
            draw_comparison(comparison)

        outcomes, comparisons = compare_plan(
            plan, watch=self._watch, on_run=self._write_events, on_comparison=on_comparison
        )
        self._write_films([(comparison.runs, comparison.spec) for comparison in comparisons])
        if self._opens_report and comparisons:
            from gan_rosetta.shared.report.page.render import write_report  # noqa: PLC0415 - half a second of every other run

            path = write_report(folder, None).absolute()
            self._files["report"] = str(path)
            webbrowser.open(path.as_uri())
        from_seeds, across = compare_across_seeds(plan, watch=self._watch)
        for name, found in across.items():
            draw_across(folder / name, name, found.runs)
        status = report_failures([*outcomes, *from_seeds], verbose=self._shown.verbose)
        verdicts = [comparison.verdict for comparison in comparisons]
        status = status or status_of_verdicts([*verdicts, *(found.verdict for found in across.values())])
        if self._shown.as_json:
            ending = ending_as_data(status, folder, [*outcomes, *from_seeds], self._files)
            self._say_data(compare_as_data(comparisons, across, **ending))
        elif self._shown.quiet:
            for comparison in comparisons:
                say(f"{comparison.spec.name}: {comparison.verdict}")
            for found in across.values():
                say(f"{found.gan} over {found.num_seeds} seeds: {found.verdict}")
        else:
            self._say_comparisons(comparisons, across.values())
            say(f"Records, comparison.json and pictures: {folder}")
            self._say_files()
        return status

    def _say_comparisons(self, comparisons: Sequence[GanComparison], across: Iterable[AcrossSeeds]) -> None:
        for text in (text for comparison in comparisons for text in comparison_lines(comparison)):
            output.print(text, soft_wrap=True)
        for line in speed_lines(comparisons):
            say(line)
        for line in (line for found in across for line in across_lines(found, is_whole=self._shown.verbose)):
            say(line)
        for text in (text for comparison in comparisons if self._shown.verbose for text in pair_lines(comparison)):
            output.print(text, soft_wrap=True)

    @property
    def _watch(self) -> Watch:
        return on_terminal(errors, is_quiet=self._shown.quiet, writes_lines=self._shown.verbose)

    def _on_trained(self, run: Run, spec: GanSpec, /) -> None:
        draw_pictures(run.folder, [run], None, spec)
        self._write_events(run, spec)

    def _write_events(self, run: Run, spec: GanSpec, /) -> None:
        if self._shown.tensorboard is not None:
            write_events(self._shown.tensorboard, run, spec)
            self._files["tensorboard"] = str(self._shown.tensorboard)

    def _write_films(self, filmed: Sequence[tuple[Sequence[Run], GanSpec]], /) -> None:
        if self._shown.animate is not None:
            self._files["films"] = write_films(self._shown.animate, filmed)

    def _say_data(self, data: dict[str, Any]) -> None:
        # Not through a console, which would wrap it.
        print(as_text(data))

    def _say_files(self) -> None:
        if "report" in self._files:
            say(f"Report: {self._files['report']}")
        for film in self._files.get("films", ()):
            say(f"Film: {film}")
        if "tensorboard" in self._files:
            say(f"TensorBoard: tensorboard --logdir {self._files['tensorboard']}")


def write_films(path: Path, filmed: Sequence[tuple[Sequence[Run], GanSpec]], /) -> list[str]:
    """Write a film for each GAN and return their paths: the one that was asked for, or with the GAN's name in it."""
    films = []
    for runs, spec in filmed:
        target = film_path(path, spec.name, num_gans=len(filmed))
        write_film(target, runs, spec)
        films.append(str(target))
    return films
