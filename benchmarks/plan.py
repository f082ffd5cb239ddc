"""Which cells a benchmark measures, in which waves, and how long that is likely to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.benchmarks.accelerator import GPU_PEAK_BACKENDS, PEAK_BACKENDS, VARIANTS
from gan_rosetta.benchmarks.cells import AS_PUBLISHED, FLOOR, Cell, cell_spec
from gan_rosetta.benchmarks.parity import parity_steps
from gan_rosetta.benchmarks.published.trainer import PROGRAMS
from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.gaussian_1d import SPEC as FLOOR_SPEC
from gan_rosetta.shared.interface import DEVICES, DTYPES, EXECUTIONS
from gan_rosetta.shared.runs.budget import require_room
from gan_rosetta.shared.runs.names import RunName, parse_runs
from gan_rosetta.shared.runs.order import DEFAULT_SEED, MOST_THREADS, require_count, require_seed
from gan_rosetta.shared.runs.plan import threads_for
from gan_rosetta.shared.runs.request import read_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.workers.environments import find_python
from gan_rosetta.shared.workers.registry import find_backend, installed_version, require_installed, resolve_execution

DEFAULT_GANS = ("gaussian-1d", "linear-2d", "sine", "mnist-wgan-gp")
DEFAULT_ROUNDS = 7
DEFAULT_SECONDS = 0.2
# Each round's numbers are kept.
MOST_ROUNDS = 10_000
BATCH_FACTORS = (0.25, 1.0, 4.0, 16.0)
WIDTH_FACTORS = (0.5, 1.0, 2.0, 4.0)
# A cell of whose rounds each takes longer than this takes part in the first few alone.
LONG_ROUND_SECONDS = 5.0
FEW_ROUNDS = 5

# What estimates are made of, seen on two cores: seconds to import, seconds to compile a GAN, seconds a step of a small
# GAN, bytes of a worker. They decide nothing but the estimate and which cells wait in memory together.
_IMPORT_SECONDS = {"numpy": 0.3, "torch": 3.0, "tensorflow": 5.0, "mxnet": 1.5, "jax": 2.0, FLOOR: 0.5}
_COMPILE_SECONDS = {"torch": 15.0, "tensorflow": 3.0, "mxnet": 1.0, "jax": 3.0}
_STEP_SECONDS = {"numpy": 4e-4, "torch": 6e-4, "tensorflow": 6e-3, "mxnet": 2e-3, "jax": 1e-3, FLOOR: 2e-6}
_WORKER_BYTES = {"numpy": 0.1e9, "torch": 0.5e9, "tensorflow": 0.8e9, "mxnet": 0.4e9, FLOOR: 0.1e9}
_ASSUMED_CORES = 2
_ASSUMED_FLOPS_PER_SECOND = 3e10
# A chunk's arrays and what a step keeps for its backward pass, as multiples of what counts as operations.
_BYTES_PER_FLOP = 0.02
_MEMORY_SHARE = 0.7


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a user asks for. Empty tuples choose: the default GANs, all installed backends, all executions of each.

    gans: names of the catalogue, TOML files or GanSpecs. runs: names of runs (shared/runs/names.py), in place of
    backends and executions; what one leaves out the rest says.
    threads: None chooses by the GAN. scale: "batch", "width" or None; sizes: batch sizes or width factors, None for
    the default ones. tf32: of float32 on a GPU, where a run does not say. seconds: of a round. mnist: where digits come
    from. pythons: of backends that do not run on their usual one. repeats: each cell's first steps are trained twice
    and compared. variants: other ways of launching compiled steps on a GPU are cells too.
    """

    gans: tuple[str | Path | GanSpec, ...] = ()
    backends: tuple[str, ...] = ()
    executions: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("float32",)
    rounds: int = DEFAULT_ROUNDS
    seconds: float = DEFAULT_SECONDS
    threads: int | None = None
    tf32: bool = False
    seed: int = DEFAULT_SEED
    mnist: str | None = None
    scale: str | None = None
    sizes: tuple[float, ...] | None = None
    repeats: bool = False
    variants: bool = False
    pythons: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.runs and (self.backends or self.executions):
            named = ", ".join((*self.backends, *self.executions))
            raise UsageError(f"--runs {', '.join(self.runs)} say what {named} say; give one of them")
        require_count("--rounds", self.rounds, minimum=1, maximum=MOST_ROUNDS)
        require_seed(self.seed)
        if not 0 < self.seconds < 3600:
            raise UsageError(f"--seconds is {self.seconds}; expected more than 0 and less than an hour")
        require_count("--threads", self.threads, minimum=1, maximum=MOST_THREADS)
        for kind, names, known in (
            ("execution", self.executions, EXECUTIONS),
            ("device", self.devices, DEVICES),
            ("dtype", self.dtypes, DTYPES),
            ("scale", () if self.scale is None else (self.scale,), ("batch", "width")),
        ):
            for name in names:
                if name not in known:
                    raise unknown_name(kind, name, known)
        if self.sizes is not None and self.scale is None:
            raise UsageError("--sizes are those of a sweep; give --scale batch or --scale width with them")
        DigitSource.parse(self.mnist)


@dataclass(frozen=True, kw_only=True)
class PeakProbe:
    """A matrix product to be timed among the cells. size: rows and columns."""

    backend: str
    device: str
    dtype: str
    threads: int
    size: int

    def as_request(self) -> dict[str, Any]:
        """Return what a worker needs to know."""
        return {"device": self.device, "dtype": self.dtype, "size": self.size}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Waves of cells that take turns, with the matrix products among them.

    left_out: lines for the user. environments: the Python of each that a run names.
    """

    selection: Selection
    waves: tuple[tuple[Cell, ...], ...]
    left_out: tuple[str, ...]
    environments: Mapping[str, str] = field(default_factory=dict)

    def python_of(self, cell: Cell, /) -> str | None:
        """Return the Python that a cell's worker runs on, None for the usual one."""
        if cell.environment is not None:
            return self.environments[cell.environment]
        return self.selection.pythons.get(cell.backend)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells in order."""
        return tuple(cell for wave in self.waves for cell in wave)

    def probes(self, wave: int, /) -> tuple[PeakProbe, ...]:
        """Return the matrix products to time in a wave: one for each backend that has one, device, type and threads."""
        # What a GPU multiplies does not depend on the host's threads.
        kinds = dict.fromkeys(
            (cell.device, cell.dtype, cell.threads if cell.device == "cpu" else 1) for cell in self.waves[wave]
        )
        return tuple(
            PeakProbe(backend=name, device=device, dtype=dtype, threads=threads, size=_peak_size(device, threads))
            for device, dtype, threads in kinds
            for name in (PEAK_BACKENDS if device == "cpu" else GPU_PEAK_BACKENDS)
            if installed_version(BACKENDS[name], self.selection.pythons.get(name)) is not None
        )

    def estimate_seconds(self) -> float:
        """Return about how long the plan takes on two cores."""
        selection = self.selection
        total = 0.0
        references = {}
        for cell in self.cells:
            opening, rounds = _cell_seconds(cell, selection)
            total += opening / _ASSUMED_CORES + rounds
            references[(cell.setting.removesuffix(cell.device), cell.dtype)] = cell
        for cell in references.values():
            spec = cell.spec()
            step = max(_STEP_SECONDS[REFERENCE], step_flops(spec) / _ASSUMED_FLOPS_PER_SECOND)
            total += 0.5 + parity_steps(spec) * (1 + num_copies(spec)) * step
        for wave in range(len(self.waves)):
            for probe in self.probes(wave):
                total += _IMPORT_SECONDS[probe.backend] + (selection.rounds + 1) * selection.seconds
        return total


def plan_benchmark(selection: Selection, /) -> Plan:
    """Return the cells of a selection; raises what a user can cause.

    Backends that are not installed are left out unless they were named, executions that a backend lacks always; the
    floor is there where gaussian-1d is in its own size, compiled and on the cpu, unless other backends were named. A
    GAN's published program is there in its own size, eager and on the cpu, beside the backend of its framework, unless
    runs were named.
    """
    given = map(read_gan, selection.gans or DEFAULT_GANS)
    gans = {gan: None if source is None else spec_to_toml(gan) for gan, source in given}
    runs, left_out = _runs(selection)
    cells = [
        cell
        for gan, text in gans.items()
        for size in _sizes(gan, selection)
        for run in runs
        for cell in _cells(gan.name, size, run, selection, spec_text=text)
    ]
    if not cells:
        names = ", ".join(map(str, runs))
        asked = f"{names} as {', '.join(selection.executions or EXECUTIONS)}"
        raise UsageError(f"no cell is left of {asked}; see `gan-rosetta list` for what each backend has")
    _require_apart(cells)
    for cell in {cell.setting: cell for cell in cells}.values():
        require_room(cell.spec().with_steps(pretraining=0, training=1), said="a cell", has_options=False)
    environments = {
        run.environment_name: find_python(run.environment, said=f"run {run} is to run on {run.environment}")
        for run in runs
        if run.environment is not None and run.environment_name is not None
    }
    for run in runs if selection.runs else ():
        require_installed(find_backend(run.backend), environments.get(run.environment_name or ""))
    return Plan(
        selection=selection, waves=_waves(_in_settings(cells)), left_out=tuple(left_out), environments=environments
    )


def _runs(selection: Selection) -> tuple[list[RunName], list[str]]:
    """Return the runs that are asked for, the floor as one of a backend of its name, and lines on what is left out."""
    if selection.runs:
        runs = parse_runs(selection.runs)
        for run in runs:
            resolve_execution(find_backend(run.backend), run.execution or "auto")
        return runs, []
    names, left_out = _backend_names(selection.backends, selection.pythons)
    return [RunName(backend=name) for name in names], left_out


def _require_apart(cells: Sequence[Cell]) -> None:
    seen: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        other = seen.setdefault(cell.key, cell)
        if other is not cell:
            raise UsageError(
                f"two runs are both {cell.label} on {cell.setting}, with {other.threads} and {cell.threads} threads; "
                "records tell cells apart by all but their threads, so measure them one after the other"
            )


def _in_settings(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells with those of one setting beside each other, in the settings' first order."""
    settings = list(dict.fromkeys(cell.setting for cell in cells))
    return sorted(cells, key=lambda cell: settings.index(cell.setting))


def _backend_names(asked: Sequence[str], pythons: Mapping[str, str]) -> tuple[list[str], list[str]]:
    if asked:
        for name in asked:
            if name != FLOOR:
                require_installed(find_backend(name), pythons.get(name))
        return list(dict.fromkeys(asked)), []
    missing = [entry for entry in BACKENDS.values() if installed_version(entry, pythons.get(entry.name)) is None]
    installed = [entry.name for entry in BACKENDS.values() if entry not in missing]
    left_out = [f"{entry.name} is left out: not installed; {entry.install_hint}" for entry in missing]
    return [FLOOR, *installed], left_out


def _sizes(spec: GanSpec, selection: Selection) -> list[tuple[int, float]]:
    if selection.scale == "batch":
        chosen = selection.sizes or tuple(max(1.0, spec.batch_size * factor) for factor in BATCH_FACTORS)
        for size in chosen:
            if size != int(size) or size < 1:
                raise UsageError(f"--sizes has {size:g}; expected whole numbers of samples from 1")
        return [(int(size), 1.0) for size in dict.fromkeys(chosen)]
    if selection.scale == "width":
        return [(spec.batch_size, factor) for factor in dict.fromkeys(selection.sizes or WIDTH_FACTORS)]
    return [(spec.batch_size, 1.0)]


def _cells(
    gan: str, size: tuple[int, float], run: RunName, selection: Selection, *, spec_text: str | None
) -> list[Cell]:
    """Return a run's cells of a GAN in one size, on each device and in each type and execution that it leaves open."""
    batch_size, width = size
    spec = cell_spec(gan, batch_size=batch_size, width=width, spec_text=spec_text)
    is_floor = run.backend == FLOOR
    own_size = spec_text is None and (batch_size, width) == (find_gan(gan).batch_size, 1.0)
    program_backend, _ = PROGRAMS.get(gan, ("", ""))
    has_program = own_size and run.backend == program_backend and not selection.runs
    cells = []
    for device in [run.device] if run.device else dict.fromkeys(selection.devices):
        for dtype in [run.dtype] if run.dtype else dict.fromkeys(selection.dtypes):
            allows_tf32 = selection.tf32 and device != "cpu" and dtype == "float32"
            base = Cell(
                gan=gan,
                backend=run.backend,
                execution="",
                device=device,
                dtype=dtype,
                threads=1 if is_floor else run.threads or selection.threads or threads_for(spec),
                batch_size=batch_size,
                width=width,
                spec_text=spec_text,
                environment=run.environment_name,
                products=run.products or ("tf32" if allows_tf32 else "full"),
            )
            if is_floor:
                is_there = own_size and gan == FLOOR_SPEC.name and device == "cpu"
                executions: tuple[str, ...] = ("compiled",) if is_there else ()
            else:
                executions = BACKENDS[run.backend].executions
            asked = (run.execution,) if run.execution else selection.executions or executions
            cells += [replace(base, execution=one) for one in sorted(executions, reverse=True) if one in asked]
            if has_program and device == "cpu" and "eager" in asked:
                cells.append(replace(base, execution="eager", variant=AS_PUBLISHED))
            if selection.variants and device != "cpu" and "compiled" in asked:
                variants = VARIANTS.get(run.backend, ())
                cells += [replace(base, execution="compiled", variant=variant) for variant in variants]
    return cells


def _waves(cells: Sequence[Cell]) -> tuple[tuple[Cell, ...], ...]:
    """Cut the cells into waves whose workers fit into most of the free memory, those of one setting in one wave."""
    available = _MEMORY_SHARE * psutil.virtual_memory().available
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.setting, []).append(cell)
    waves: list[list[Cell]] = []
    left = 0.0
    for group in groups.values():
        needed = sum(_cell_bytes(cell) for cell in group)
        parts = [group] if needed <= available else [[cell] for cell in group]
        for index, part in enumerate(parts):
            part_bytes = sum(_cell_bytes(cell) for cell in part)
            if not waves or part_bytes > left or (index == 0 and needed > left):
                waves.append([])
                left = available
            waves[-1] += part
            left -= part_bytes
    return tuple(tuple(wave) for wave in waves)


def _cell_bytes(cell: Cell) -> float:
    return _WORKER_BYTES.get(cell.backend, 0.5e9) + _BYTES_PER_FLOP * step_flops(cell.spec())


def _cell_seconds(cell: Cell, selection: Selection) -> tuple[float, float]:
    """Return about how long a cell takes until it is warm, and for its rounds."""
    step = max(_STEP_SECONDS.get(cell.backend, 1e-3), step_flops(cell.spec()) / _ASSUMED_FLOPS_PER_SECOND)
    compile_seconds = 0.0
    if cell.execution == "compiled":
        # Compiled small GANs are bound by their arithmetic, not by a call's cost.
        step = max(5e-5, step_flops(cell.spec()) / _ASSUMED_FLOPS_PER_SECOND)
        compile_seconds = _COMPILE_SECONDS.get(cell.backend, 1.0)
        if cell.dtype == "float32" and cell.spec().training.discriminator_loss.score == "critic":
            # A critic's loss may cancel to nothing, and is then judged in float64 too, which is compiled as well.
            compile_seconds *= 2
    unit = cell.spec().training.period * step
    long = unit > LONG_ROUND_SECONDS
    rounds = min(selection.rounds, FEW_ROUNDS) if long else selection.rounds
    first = 2 * max(step * parity_steps(cell.spec()), unit)
    import_seconds = _IMPORT_SECONDS.get(cell.backend, 3.0)
    return import_seconds + compile_seconds + first, (rounds + 1) * max(selection.seconds, unit)


def _peak_size(device: str, threads: int) -> int:
    if device != "cpu":
        return 8192
    return 1024 if threads == 1 else 2048
