"""How a program reads digits."""

from __future__ import annotations

from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.spec.feeding import REAL_LABEL, labels
from gan_rosetta.shared.translate.writing import number

_DIGIT_SIZE = 28


def read_digits(spec: GanSpec, real: DigitsReal, /) -> list[str]:
    """Return the functions that read MNIST's own files and, where a GAN has digits of another size, resize them."""
    return [*([_resize(real)] if real.size != _DIGIT_SIZE else []), _read(spec, real)]


def _resize(real: DigitsReal) -> str:
    size = number(real.size)
    return f'''\
def resize(images: np.ndarray) -> np.ndarray:
    """Return images of {_DIGIT_SIZE} by {_DIGIT_SIZE} as {size} by {size}, bilinear between the centres of pixels."""
    centres = (np.arange({size}) + 0.5) * {_DIGIT_SIZE} / {size} - 0.5
    distances = np.abs(centres[:, np.newaxis] - np.arange({_DIGIT_SIZE}))
    weights = np.maximum(0, 1 - distances / max(1, {_DIGIT_SIZE} / {size}))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ images @ weights.T'''


def _read(spec: GanSpec, real: DigitsReal) -> str:
    grey = "resize(pixels / 255)" if real.size != _DIGIT_SIZE else "pixels / 255"
    low, width = number(real.low), number(real.high - real.low)
    scaled = f"{low} + {width} * {grey}"
    if float(real.low) == 0 and float(real.high) == 1:
        scaled = grey
    count = "" if real.num_images is None else f"[:{number(real.num_images)}]"
    channels = "" if real.num_channels == 1 else f".repeat({number(real.num_channels)}, axis=1)"
    images = f"({scaled})" if channels or " " in scaled else scaled
    with_classes = REAL_LABEL in labels(spec)
    result = "tuple[np.ndarray, np.ndarray]" if with_classes else "np.ndarray"
    lines = [
        f"def read_digits(folder: Path) -> {result}:",
        f'    """Return MNIST\'s training images{" and their classes" if with_classes else ""}, from its own files."""',
        '    content = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())',
        f"    pixels = np.frombuffer(content, np.uint8, offset=16).reshape(-1, {_DIGIT_SIZE}, {_DIGIT_SIZE}){count}",
        f"    images = {images}[:, np.newaxis]{channels}",
    ]
    if not with_classes:
        return "\n".join([*lines[:-1], lines[-1].replace("images =", "return", 1)])
    return "\n".join(
        [
            *lines,
            '    content = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())',
            f"    return images, np.frombuffer(content, np.uint8, offset=8){count}.astype(np.int64)",
        ]
    )
