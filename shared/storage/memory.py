"""How much memory there is for this process: the machine's, its control group's, its own limit's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")
# Of the two versions of control groups: the limit, what is used of it, and what of that is only kept for files.
_LIMIT_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_bytes() -> int:
    """Return how many bytes of memory this process can still have."""
    return max(0, min([psutil.virtual_memory().available, *_left_in_groups(), *_left_of_own_limit()]))


def _left_in_groups() -> Iterator[int]:
    """Yield what is left in each control group that this process is in, from its own to the outermost."""
    try:
        lines = _GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # Another system than Linux.
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers not in ("", "memory"):
            continue
        mount = _MOUNT / controllers
        folder = mount / name.strip("/")
        for group in (folder, *folder.parents):
            yield from _left_in(group)
            if group == mount:
                break


def _left_in(group: Path) -> Iterator[int]:
    for limit_file, used_file, reclaimed in _LIMIT_FILES:
        try:
            limit, used = (int((group / name).read_text(encoding="utf-8")) for name in (limit_file, used_file))
            kept = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
            yield limit - used + sum(int(entry.split()[1]) for entry in kept if entry.startswith(f"{reclaimed} "))
        except (OSError, ValueError, IndexError):  # No such file, or "max".
            continue


def _left_of_own_limit() -> Iterator[int]:
    try:
        import resource  # noqa: PLC0415 - Unix
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - psutil.Process().memory_info().vms
