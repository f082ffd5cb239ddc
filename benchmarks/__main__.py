"""The benchmark as a program of its own: `python -m benchmarks` is `gan-rosetta bench`."""

from __future__ import annotations

from benchmarks.command import main

if __name__ == "__main__":
    main()
