"""Numbers in words, the same on the terminal, on the page and in the pictures."""

from __future__ import annotations


def seconds_text(seconds: float | None, /) -> str:
    """Return a time in µs, ms or s, with three digits; "n/a" for None."""
    if seconds is None:
        return "n/a"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            return f"{_digits(seconds * factor)} {unit}"
    raise AssertionError("microseconds take everything")


def interval_text(low: float, high: float, /) -> str:
    """Return an interval of times in the unit of its upper end."""
    text = seconds_text(high)
    unit = text.split()[1]
    factor = {"s": 1.0, "ms": 1e3, "µs": 1e6}[unit]
    return f"{_digits(low * factor)} to {text}"


def count_text(count: float, /) -> str:
    """Return a rate with three digits and separated thousands."""
    return f"{count:,.0f}" if count >= 100 else _digits(count)


def share_text(share: float | None, /) -> str:
    """Return a share in percent; "n/a" for None."""
    if share is None:
        return "n/a"
    return f"{share:.0%}" if share >= 0.1 else f"{share * 100:.2g} %".replace(" ", "")


def bytes_text(num_bytes: int | None, /) -> str:
    """Return memory in GB; "n/a" for None."""
    return "n/a" if num_bytes is None else f"{num_bytes / 1e9:.2f} GB"


def difference_text(difference: float, /) -> str:
    """Return a relative difference with two digits."""
    return "0" if difference == 0 else f"{difference:.1e}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
