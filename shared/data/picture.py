"""One picture: decoded by Pillow without taking its word for anything, resized and cropped to a square."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

# A picture of more is taken for a bomb: a file of some bytes that unpacks to gigabytes.
MOST_PIXELS = 1 << 26
# Pillow hands these to another program, or makes no pixels of them by itself.
_LEFT_OUT = ("EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5")
# Of more than 8 bits: Pillow would cut off what is above 255, and nobody would see it.
_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """Return the formats that pictures may have, as Pillow names them."""
    Image.init()
    return tuple(sorted(set(Image.OPEN) - set(_LEFT_OUT)))


@lru_cache(maxsize=1)
def endings() -> frozenset[str]:
    """Return how files of these formats end, such as ".png"."""
    known = Image.registered_extensions()
    return frozenset(ending for ending, name in known.items() if name in formats())


def decode_picture(content: bytes, /, *, size: int, num_channels: int) -> NDArray[np.uint8]:
    """Return a picture's levels, (num_channels, size, size); of an animation the first. Raises ValueError in a line.

    As torchvision's ImageFolder, Resize and CenterCrop have it: made RGB (transparency and orientation are ignored),
    then grey where there is one channel; the shorter side resized to `size`, bilinearly in 8 bits as Pillow does, and
    what is left of the longer one cut off at both ends.
    """
    # What Pillow raises for broken bytes is a long list, and grows; what it warns of is looked at here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content), formats=formats()) as picture:
                _require_affordable(picture, size)
                return square(picture.convert("RGB"), size=size, num_channels=num_channels)
        except _Refused as error:
            raise ValueError(str(error)) from None
        except UnidentifiedImageError:
            raise ValueError("is no picture of a format that Pillow opens; expected a whole one") from None
        except Image.DecompressionBombError:
            raise ValueError(f"has more than {MOST_PIXELS:,} pixels; make it smaller") from None
        except MemoryError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"is a broken picture ({reason}); expected a whole one") from None


def square(picture: Image.Image, /, *, size: int, num_channels: int) -> NDArray[np.uint8]:
    """Return an RGB or grey picture as a square, (num_channels, size, size): see decode_picture."""
    picture = picture.convert("L" if num_channels == 1 else "RGB")
    width, height = resized_size(picture.size, size)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    levels = np.asarray(picture.crop((left, top, left + size, top + size)), dtype=np.uint8)
    return levels[np.newaxis] if num_channels == 1 else np.ascontiguousarray(levels.transpose(2, 0, 1))


def resized_size(found: tuple[int, int], size: int, /) -> tuple[int, int]:
    """Return the width and height of which the shorter is `size`."""
    width, height = found
    if width <= height:
        return size, int(size * height / width)
    return int(size * width / height), size


class _Refused(Exception):
    """A picture is not taken."""


def _require_affordable(picture: Image.Image, size: int) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise _Refused(f"is {width} × {height}; expected a picture of 1 × 1 at the least")
    if width * height > MOST_PIXELS:
        raise _Refused(f"is {width} × {height}; expected {MOST_PIXELS:,} pixels at the most; make it smaller")
    wide, high = resized_size((width, height), size)
    if wide * high > MOST_PIXELS:
        raise _Refused(f"is {width} × {height}, too narrow to be resized to {size} and cropped; crop it")
    if picture.mode in _DEEP_MODES:
        raise _Refused(f"has more than 8 bits a level (Pillow's mode {picture.mode}); expected 8; convert it")


def ends_as_picture(name: str, /) -> bool:
    """Whether a file's name ends as a picture's does."""
    return Path(name).suffix.lower() in endings()
