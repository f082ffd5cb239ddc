"""Does a sweep's jobs on a Dask cluster that is there already: workers may come and go, and what they did is kept here.

What runs where, and again where a worker was lost, is Dask's; each result is written here as soon as it comes.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.seeds.job import seeds_path
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import read_regular
from gan_rosetta.shared.sweeps import remote
from gan_rosetta.shared.workers.jobs import JobOutcome

_CONNECT_SECONDS = 15
# How often a job that raises is begun again; one whose worker was lost is begun again by Dask itself.
_RETRIES = 2
_MOST_BYTES = 1 << 20
_FILE_HINT = "name the file that `dask scheduler --scheduler-file FILE` wrote"
_HINT = "pip install 'gan-rosetta[sweeps]'"


def choose_cluster(address: str | None, scheduler_file: str | Path | None, /) -> str | None:
    """Return the address of the scheduler that is named, None for this machine; raises UsageError.

    scheduler_file: that `dask scheduler --scheduler-file FILE` wrote.
    """
    if address is not None and scheduler_file is not None:
        raise UsageError("both --cluster and --scheduler-file are given; name the cluster by one of the two")
    if scheduler_file is None:
        return address
    try:
        found = json.loads(read_regular(Path(scheduler_file), most_bytes=_MOST_BYTES))["address"]
    except OSError as error:
        raise UsageError(
            f"--scheduler-file {scheduler_file} cannot be read ({error.strerror or error}); {_FILE_HINT}"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"--scheduler-file {scheduler_file} holds no scheduler's address; {_FILE_HINT}") from None
    return str(found)


def run_on_cluster(
    orders: Sequence[Order], address: str, /, *, on_outcome: Callable[[JobOutcome[Order]], None]
) -> list[JobOutcome[Order]]:
    """Do orders on a cluster and write what came of each where its order says; return the outcomes as they come.

    Raises UsageError where no cluster answers or its workers have other versions than this machine, RunFailed where
    the scheduler is lost on the way: what came before that stands.
    """
    with _connected(address) as client:
        distributed = _distributed()
        expected = remote.describe(sorted({order.backend for order in orders}))
        _require_workers(client, address, expected)
        by_future = {
            client.submit(
                remote.train, order.as_data(), key=Path(order.folder).name, pure=False, retries=_RETRIES
            ): order
            for order in orders
        }
        outcomes = []
        try:
            for future in distributed.as_completed(by_future):
                outcomes.append(_outcome(future, by_future[future], expected))
                on_outcome(outcomes[-1])
                future.release()
        except (OSError, distributed.CancelledError, distributed.client.FutureCancelledError) as error:
            raise RunFailed(
                f"the cluster of {address} was lost ({type(error).__name__}) after {len(outcomes)} of {len(orders)} "
                "jobs; they stand, and the same command goes on with the others"
            ) from None
        except KeyboardInterrupt:
            with contextlib.suppress(Exception):
                client.cancel(list(by_future), force=True)
            raise
        return outcomes


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"no Dask scheduler answers at {address} within {_CONNECT_SECONDS} s ({said}); start one with `dask "
            "scheduler`, or name its address, such as tcp://192.0.2.1:8786"
        ) from None
    # What Dask says of a scheduler that is lost, this says in its own words.
    logger = logging.getLogger("distributed.client")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=_CONNECT_SECONDS)
        logger.setLevel(level)


def _require_workers(client: Any, address: str, expected: dict[str, str]) -> None:
    """Raise UsageError where there is no worker, or one has other versions; of a later one its results tell."""
    found = client.run(remote.describe, list(expected), on_error="return")
    if not found:
        raise UsageError(f"the scheduler at {address} has no worker; start one with `dask worker {address}`")
    for worker, own in found.items():
        if isinstance(own, BaseException):
            raise UsageError(
                f"the worker at {worker} cannot run gan-rosetta ({own}); install the version there that is here"
            )
        problem = _difference(own, expected)
        if problem:
            raise UsageError(f"the worker at {worker} has {problem}; install there what is here")


def _difference(own: dict[str, str], expected: dict[str, str]) -> str:
    differing = [name for name, version in own.items() if name in expected and version != expected[name]]
    return ", ".join(f"{name} {own[name]} and not {expected[name]}" for name in differing)


def _outcome(future: Any, order: Order, expected: dict[str, str]) -> JobOutcome[Order]:
    if future.status == "cancelled":
        raise _distributed().CancelledError(future.key)
    error = future.exception()
    if error is not None:
        return JobOutcome(settings=order, status="crash", message=f"{type(error).__name__}: {error}")
    result = future.result()
    problem = _difference(result["versions"], expected)
    if problem:
        return JobOutcome(settings=order, status="crash", message=f"was done by a worker that has {problem}")
    if result["status"] == "finished":
        write_bytes(seeds_path(order), result["content"])
    return JobOutcome(settings=order, status=result["status"], message=result["message"])


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415 - only a sweep on a cluster needs it
    except ImportError:
        raise UsageError(f"a sweep on a cluster needs Dask, which is not installed: {_HINT}") from None
    return distributed
