"""Learning rates that change, as programs compute them: an expression of a count, and the functions that it calls."""

from __future__ import annotations

from collections.abc import Iterator

from gan_rosetta.shared.spec import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    GanSpec,
    LearningRate,
    LinearDecay,
    Optimizer,
    PiecewiseRate,
    WarmUp,
)
from gan_rosetta.shared.translate.parts import optimizer_uses
from gan_rosetta.shared.translate.writing import fitted, number, numbers


def rate_at(optimizer: Optimizer, count: str, /) -> str:
    """Return the expression of a rate that changes. count: of updates or of epochs that came before."""
    return rate_expression(optimizer.learning_rate, count)


def rate_line(target: str, optimizer: Optimizer, count: str, /, *, later: int = 0) -> str:
    """Return the line, or lines, that give a rate that changes to something. later: by how much it will be indented."""
    return fitted(f"{target} = {rate_at(optimizer, count)}", indent=0, later=later)


def rate_expression(rate: LearningRate, count: str, /, *, module: str = "") -> str:
    """Return the expression of a rate. module: of arrays, such as "jnp", where it is not of numbers."""
    whole, count = count, count[1:-1] if count.startswith("(") else count
    if isinstance(rate, LinearDecay):
        settings = map(number, (rate.initial, rate.final, rate.begin, rate.duration))
        return f"line_rate({count}, {', '.join(settings)})"
    if isinstance(rate, CosineDecay):
        done = f"{module + '.minimum' if module else 'min'}({count}, {number(rate.duration)})"
        done = count if rate.beyond == "mirrored" else done
        return f"cosine_rate({done}, {', '.join(map(number, (rate.initial, rate.final, rate.duration)))})"
    if isinstance(rate, PiecewiseRate):
        return f"piecewise_rate({count}, {numbers(rate.boundaries)}, {numbers(rate.values)})"
    if isinstance(rate, WarmUp):
        after = rate_expression(rate.after, "count", module=module)
        of = "_" if isinstance(rate.after, ConstantRate) else "count"
        return f"warm_up_rate({count}, {number(rate.initial)}, {number(rate.duration)}, lambda {of}: {after})"
    if isinstance(rate, ConstantRate):
        return number(rate.value)
    division = "//" if rate.staircase else "/"
    return f"{number(rate.initial)} * {number(rate.factor)} ** ({whole} {division} {number(rate.every)})"


def first_rate(rate: LearningRate, /) -> float:
    """Return what a torch optimizer is made with: its first rate, or 1, to which a LambdaLR's rates are ratios."""
    return rate.at(0) if isinstance(rate, ConstantRate | ExponentialDecay) else 1.0


def rate_functions(gan: GanSpec, /, *, module: str = "", kind: str = "float") -> list[str]:
    """Return the functions that rate_expression calls for a GAN. kind: of a rate."""
    rates = {type(rate) for use in optimizer_uses(gan) for rate in _with_those_inside(use.optimizer.learning_rate)}
    least, most = (f"{module}.minimum", f"{module}.maximum") if module else ("min", "max")
    line = "initial + (after(0) - initial) * count / duration"
    chosen = f"""\
    if count >= duration:
        return after(count - duration)
    return {line}"""
    if module:
        chosen = f"""\
    line = {line}
    return {module}.where(count < duration, line, after({most}(count - duration, 0)))"""
    values = f"{module}.asarray(values)" if module else "values"
    functions = {
        LinearDecay: f'''\
def line_rate(count: {kind}, initial: float, final: float, begin: int, duration: int) -> {kind}:
    """Return a rate that goes from the first to the last in a line."""
    return initial + (final - initial) * {least}({most}(count - begin, 0) / duration, 1)''',
        CosineDecay: f'''\
def cosine_rate(count: {kind}, initial: float, final: float, duration: int) -> {kind}:
    """Return a rate that goes from the first to the last by half a cosine."""
    cosine = {module or "math"}.cos({module or "math"}.pi * count / duration)
    return final + (initial - final) / 2 * (1 + cosine)''',
        PiecewiseRate: f'''\
def piecewise_rate(count: {kind}, boundaries: tuple[int, ...], values: tuple[float, ...]) -> {kind}:
    """Return the rate of the stretch between two boundaries that a count lies in."""
    return {values}[sum(count >= boundary for boundary in boundaries)]''',
        WarmUp: f'''\
def warm_up_rate(
    count: {kind}, initial: float, duration: int, after: Callable[[{kind}], {kind}]
) -> {kind}:
    """Return a rate that goes in a line to the first of a schedule, which begins there."""
{chosen}''',
    }
    return [text for rate, text in functions.items() if rate in rates]


def _with_those_inside(rate: LearningRate) -> Iterator[LearningRate]:
    yield rate
    if isinstance(rate, WarmUp):
        yield rate.after
