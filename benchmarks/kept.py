"""Where records are kept that no file was named for, and which of them a comparison takes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from gan_rosetta.shared.errors import UsageError

FOLDER = Path("runs")
_SUFFIX = "-bench.json"


def fresh_record_path() -> Path:
    """Return where a record of this moment is kept, in the current folder; names sort by time."""
    return FOLDER / f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}{_SUFFIX}"


def choose_records(old: Path | None, new: Path | None, /) -> tuple[Path, Path]:
    """Return the two records to compare, the older first: those named, the latest that are kept for others.

    The latest itself is compared with the one before it. Raises UsageError where too few are kept.
    """
    if old is not None and new is not None:
        return old, new
    kept = sorted(FOLDER.glob(f"*{_SUFFIX}"))
    if old is not None:
        others = [path for path in kept if path.resolve() != old.resolve()]
        if not others:
            raise UsageError(
                f"{FOLDER} keeps no record to compare {old} with; measure with `gan-rosetta bench`, or name two records"
            )
        is_latest = others[-1] != kept[-1]
        return (others[-1], old) if is_latest else (old, others[-1])
    if len(kept) < 2:
        found = f"only {kept[0]}" if kept else "none"
        raise UsageError(
            f"bench compare takes the two latest records in {FOLDER}, and finds {found}; measure again with "
            "`gan-rosetta bench`, or name two records"
        )
    return kept[-2], kept[-1]
