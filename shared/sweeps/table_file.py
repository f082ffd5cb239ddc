"""A sweep's table as a Parquet file, whose metadata say what its columns are, and which is checked when it is read."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.storage.files import atomic_path
from gan_rosetta.shared.storage.opening import read_regular
from gan_rosetta.shared.storage.typed import require_typed
from gan_rosetta.shared.sweeps.plan import MOST_JOBS
from gan_rosetta.shared.sweeps.table import Row, SweepTable, columns_of

TABLE_FILE = "sweep.parquet"
LOCK_FILE = ".sweep.lock"
FORMAT = 1
_METADATA = b"gan-rosetta"
_MOST_BYTES = 1 << 30
_MOST_COLUMNS = 1000
_VALUES = (str, bool, int, float, type(None))
_HINT = "pip install 'gan-rosetta[sweeps]'"
_REMEDY = "give the `gan-rosetta sweep` that made it again, which writes it anew and trains nothing twice"


class _Columns(TypedDict):
    """What a table's columns are, besides gan, run, seed and message. outcomes: each GAN's, in their order.

    sha256: of the table, by `seal`.
    """

    format: int
    fields: list[str]
    outcomes: dict[str, list[str]]
    units: dict[str, str]
    happenings: list[str]
    sha256: str


def require_table() -> None:
    """Raise UsageError where no Parquet file can be written or read."""
    try:
        import pyarrow  # noqa: F401, PLC0415 - only a sweep needs it
    except ImportError:
        raise UsageError(f"a sweep's table needs pyarrow, which is not installed: {_HINT}") from None


def write_table(path: Path, table: SweepTable, /) -> None:
    """Write a table as a Parquet file, atomically; a field's values of several kinds become texts."""
    import pyarrow as pa  # noqa: PLC0415 - only a sweep needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = {name: _of_one_kind(values) for name, values in columns_of(table.rows).items()}
    told: _Columns = {
        "format": FORMAT,
        "fields": list(table.fields),
        "outcomes": {gan: list(table.outcomes_of(gan)) for gan in table.gans},
        "units": {name: table.units[name] for name in table.outcomes},
        "happenings": list(table.happenings),
        "sha256": "",
    }
    told["sha256"] = seal(told, columns)
    metadata = {_METADATA: json.dumps(told).encode()}
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), temporary)


def _of_one_kind(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) > 1:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1 or kinds & {dict, list}:
        return [None if value is None else str(value) for value in values]
    return values


def read_table(path: Path, /) -> SweepTable:
    """Return the table that a sweep wrote; raises UsageError without pyarrow, RecordError for any other file."""
    require_table()
    try:
        columns, told = _read(path)
        by_row = zip(*columns.values(), strict=True)
        rows = tuple(_row(dict(zip(columns, values, strict=True)), told) for values in by_row)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        said = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "") or type(error).__name__
        raise RecordError(f"{path} is not a sweep's table that can be read ({said}); {_REMEDY}") from None
    if not rows:
        raise RecordError(f"{path} has no row; {_REMEDY}")
    return SweepTable(fields=tuple(told["fields"]), rows=rows, units=told["units"])


def _read(path: Path) -> tuple[dict[str, list[Any]], _Columns]:
    import pyarrow as pa  # noqa: PLC0415 - only a sweep needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    content = pa.BufferReader(read_regular(path, most_bytes=_MOST_BYTES))
    try:
        return _columns(pq.ParquetFile(content))
    except (pa.ArrowException, AttributeError) as error:
        raise ValueError(str(error)) from None


def _columns(file: Any) -> tuple[dict[str, list[Any]], _Columns]:
    told: Any = json.loads((file.schema_arrow.metadata or {}).get(_METADATA, b"null"))
    if told is None:
        raise ValueError("it does not say what its columns are, as older versions' do not")
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}, this version's")
    require_typed(_Columns, told, name="columns")
    if file.metadata.num_rows > MOST_JOBS or file.metadata.num_columns > _MOST_COLUMNS:
        raise ValueError(f"it is larger than {MOST_JOBS:,} rows of {_MOST_COLUMNS:,} columns")
    names = ["gan", "run", "seed", *told["fields"], *told["units"], *told["happenings"], "message"]
    if sorted(file.schema_arrow.names) != sorted(names):
        raise ValueError("its columns are not those that it names")
    columns: dict[str, list[Any]] = file.read().to_pydict()
    if told["sha256"] != seal(told, columns):
        raise ValueError("it was changed or damaged since it was written")
    return columns, cast(_Columns, told)


def seal(told: Mapping[str, Any], columns: Mapping[str, list[Any]], /) -> str:
    """Return a digest of all that a table and its metadata say, whatever "sha256" there is among them."""
    said = {"told": {**told, "sha256": ""}, "columns": columns}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _row(values: dict[str, Any], told: _Columns) -> Row:
    """Return a row of which every value has its kind; what a row does not have is left out."""
    row = Row(
        gan=values["gan"],
        run=values["run"],
        seed=values["seed"],
        settings={name: values[name] for name in told["fields"]},
        numbers={name: values[name] for name in told["outcomes"][values["gan"]] if values[name] is not None},
        happened={name: values[name] for name in told["happenings"] if values[name] is not None},
        message=values["message"],
    )
    kinds: list[tuple[str, Any, Any]] = [(name, values[name], str) for name in ("gan", "run", "message")]
    kinds += [("seed", row.seed, int)]
    kinds += [(name, value, _VALUES) for name, value in row.settings.items()]
    kinds += [(name, value, float) for name, value in row.numbers.items()]
    kinds += [(name, value, bool) for name, value in row.happened.items()]
    for name, value, kind in kinds:
        if not isinstance(value, kind):
            raise ValueError(f"{reprlib.repr(name)} of a row is {reprlib.repr(value)}")
    return row
