"""What a record says of the machine: also the variables by which libraries compute otherwise, and no other."""

from __future__ import annotations

import os

from gan_rosetta.shared.runs.machine import describe_variables


def test_variables_that_change_numbers_are_told_and_no_others(monkeypatch):
    for name in list(os.environ):
        if name not in ("PATH", "HOME"):
            monkeypatch.delenv(name)
    told = {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "OPENBLAS_CORETYPE": "Haswell", "MKL_CBWR": "COMPATIBLE"}
    told |= {"TF_ENABLE_ONEDNN_OPTS": "0", "LD_PRELOAD": "libother.so", "JAX_DISABLE_JIT": "1"}
    kept = {"JAX_COMPILATION_CACHE_DIR": "/home/me/cache", "AWS_SECRET": "x", "TF_API_TOKEN": "x", "USER": "me"}
    for name, value in (told | kept).items():
        monkeypatch.setenv(name, value)
    assert describe_variables() == dict(sorted(told.items()))
    monkeypatch.setenv("XLA_FLAGS", "x" * 9000)
    assert len(describe_variables()["XLA_FLAGS"]) == 500
