"""What a worker of a cluster does: a job as it is done here, in a folder of its own, and the bytes of its result."""

from __future__ import annotations

import atexit
import platform
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.seeds.job import seeds_job, seeds_path
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.sweeps.versions import own_digest
from gan_rosetta.shared.workers.launch import Pool
from gan_rosetta.shared.workers.registry import installed_version


def describe(backends: list[str], /) -> dict[str, str]:
    """Return what decides the numbers of a job on this machine, besides its processor: by what it is of."""
    versions = {name: str(installed_version(BACKENDS[name])) for name in backends if name in BACKENDS}
    return {"gan-rosetta": own_digest(), "Python": platform.python_version(), "numpy": np.__version__, **versions}


def train(data: Mapping[str, Any], /) -> dict[str, Any]:
    """Do an order, given as plain data; return how it ended, the `content` of its file of seeds, and on what it ran."""
    order = Order.from_data(dict(data))
    with temporary_folder() as folder:
        own = replace(order, keeping=replace(order.keeping, folder=str(folder / "job"), resume=False))
        # Each thread of the cluster's worker has workers of its own, a backend each, which stay for the next job.
        outcome = _pool().submit(replace(seeds_job(own), lane=threading.get_ident())).result()
        is_done = outcome.status == "finished"
        return {
            "status": outcome.status,
            "message": outcome.message,
            "content": seeds_path(own).read_bytes() if is_done else b"",
            "versions": describe([order.backend]),
        }


@cache
def _pool() -> Pool:
    pool = Pool(num_slots=available_cores())
    pool.__enter__()
    atexit.register(pool.finish)
    return pool
