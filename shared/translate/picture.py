"""The picture that a program leaves of its samples, which Python and NumPy draw by themselves."""

from __future__ import annotations

from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.translate.writing import number

_COLOURS = 3
_PLANE = 2


def picture_section(gan: GanSpec, /) -> str:
    """Return the function that writes a PNG, and the lines that draw G's 64 samples into one."""
    lines = ['samples = np.load(options.out / "samples.npz")["generated"]', *_drawn(gan)]
    return f"{_WRITE}\n\n\n" + "\n".join([*lines, 'write_png(options.out / "samples.png", pixels)'])


def _drawn(gan: GanSpec) -> list[str]:
    """Return the lines that make pixels (height, width, channels) from 0 to 1 of what G made."""
    if isinstance(gan.real, DigitsReal):
        channels, height, width = map(int, gan.real.sample_shape)
        low, span = number(gan.real.low), number(gan.real.high - gan.real.low)
        grid = f"samples.reshape(8, 8, {channels}, {height}, {width}).transpose(0, 3, 1, 4, 2)"
        end = "pixels" if channels in (1, _COLOURS) else "pixels.mean(axis=2, keepdims=True)"
        grey = [f"pixels = {end}  # grey"] if end != "pixels" else []
        return [
            f"grid = {grid}",
            f"pixels = (grid.reshape({8 * height}, {8 * width}, {channels}) - {low}) / {span}",
            *grey,
        ]
    (size,) = map(int, gan.real.sample_shape)
    finite = "samples = samples[np.isfinite(samples).all(axis=1)]"
    if size == 1:
        return [
            finite,
            "counts, _ = np.histogram(samples, bins=64)",
            "bars = np.arange(64)[::-1, None] < 64 * counts / max(counts.max(), 1)",
            "pixels = 1.0 - bars.repeat(4, axis=1)[:, :, None]",
        ]
    if size == _PLANE:
        places = "counts, *_ = np.histogram2d(samples[:, 1], samples[:, 0], bins=64)"
    else:
        places = f"counts, *_ = np.histogram2d(samples.ravel(), np.tile(np.arange({size}), len(samples)), bins=64)"
    return [finite, places, "pixels = 1.0 - (counts[::-1] > 0).repeat(4, axis=0).repeat(4, axis=1)[:, :, None]"]


_WRITE = '''\
def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write pixels (height, width, 1 for grey or 3 for colours) from 0 to 1 as a picture."""
    height, width, channels = pixels.shape
    levels = (255 * np.nan_to_num(pixels).clip(0, 1)).round().astype(np.uint8)
    # Each row begins with a 0, which says that it is as it stands.
    rows = np.pad(levels.reshape(height, width * channels), ((0, 0), (1, 0)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    content = b"\\x89PNG\\r\\n\\x1a\\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)'''
