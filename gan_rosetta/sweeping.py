"""Sweeps from Python: a plan of GANs, runs, seeds and fields, here or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_rosetta import notebook
from gan_rosetta.asking import OnProgress, Place, shown_as, watch_of
from gan_rosetta.shared.sweeps import session
from gan_rosetta.shared.sweeps.cluster import choose_cluster
from gan_rosetta.shared.sweeps.plan import make_plan, read_plan
from gan_rosetta.shared.sweeps.table import columns_of
from gan_rosetta.shared.sweeps.table_file import TABLE_FILE
from gan_rosetta.wording import speaks_python


@dataclass(frozen=True, kw_only=True)
class Sweep(session.Swept):
    """What came of a sweep: `rows` have a training each, `settings()` those together that differ in their seed alone.

    place: where its table is; a folder that goes with the result where none was given.
    """

    place: Place

    @property
    def table(self) -> Path:
        """The Parquet file with a row a training."""
        return self.place.folder / TABLE_FILE

    def columns(self) -> dict[str, list[Any]]:
        """Return the table by its columns, as `pandas.DataFrame` or `pyarrow.table` take it."""
        return columns_of(self.rows)

    def lines(self) -> Sequence[str]:
        """Return the best settings of each run, and what failed, in lines."""
        from gan_rosetta.shared.report.sweep_table import sweep_lines  # noqa: PLC0415 - needs rich

        return sweep_lines(self)

    def _repr_html_(self) -> str:
        return notebook.sweep_html(self)


@speaks_python
def sweep(
    plan: str | Path | Mapping[str, Any],
    /,
    *,
    out: str | Path | None = None,
    cluster: str | None = None,
    scheduler_file: str | Path | None = None,
    on_progress: OnProgress = None,
) -> Sweep:
    """Train GANs over runs, seeds and any fields of theirs, each a job of its own, and make one table of it.

    plan: a TOML file, or the same as a dictionary: "gans", "runs", "seeds", "first_seed", "steps", "pretrain_steps",
    "batch_size", and "fields", a list of values by path. out: a folder for what came of each; what is there is not done
    again. cluster, scheduler_file: a Dask cluster to train on, by its scheduler's address or file; this machine where
    neither is given. on_progress: as in `compare`.

    Raises UsageError and SpecError for a plan that cannot be, and where no cluster answers; RunFailed where it is lost
    on the way. Jobs that failed are among the rows, with a message.

    >>> rates = {"training.generator_optimizer.learning_rate.value": [0.01, 0.05]}
    >>> found = sweep({"gans": ["linear-2d"], "runs": ["numpy"], "seeds": 2, "steps": 5, "fields": rates})
    >>> found.columns()["seed"]
    [14, 15, 14, 15]
    """
    place = Place.choose(out)
    chosen = choose_cluster(cluster, scheduler_file)
    folder = place.folder.absolute()
    if isinstance(plan, Mapping):
        made = make_plan(plan, folder, elsewhere=chosen is not None)
    else:
        made = read_plan(Path(plan), folder, elsewhere=chosen is not None)
    found = session.sweep(made, folder, watch=watch_of(on_progress), cluster=chosen)
    return shown_as(Sweep, found, place=place)
