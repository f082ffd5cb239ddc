"""The published mnist-conv on a folder of pictures, which it reads by itself.

Called by test_pictures.py: `python -m tests.published.from_pictures FOLDER INPUTS OUT STEPS`.
INPUTS holds tape.npz, of which it takes the noise alone, and state.safetensors, where it starts; OUT is its losses.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file

from tests.published import mnist_conv


def read_folder(root: Path) -> np.ndarray:
    """Return (n, 3, 32, 32) in [0, 1], as ImageFolder, Resize(32), CenterCrop(32) and ToTensor give it, unshuffled."""
    images = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for file in sorted(folder.iterdir()):
            picture = Image.open(file).convert("RGB")
            width, height = picture.size
            short = min(width, height)
            picture = picture.resize((32 * width // short, 32 * height // short), Image.BILINEAR)
            # CenterCrop rounds half to even.
            left, top = round((picture.width - 32) / 2), round((picture.height - 32) / 2)
            picture = picture.crop((left, top, left + 32, top + 32))
            images.append(np.asarray(picture).transpose(2, 0, 1) / 255)
    return np.stack(images)


def main(folder: Path, inputs: Path, out: Path) -> None:
    torch.set_num_threads(1)
    state = load_file(inputs / "state.safetensors")
    with np.load(inputs / "tape.npz") as tape:
        noise = {name: tape[name] for name in ("latent_d", "latent_g")}
    images, batch = read_folder(folder), noise["latent_d"].shape[1]
    batches = images[: len(images) // batch * batch].reshape(-1, batch, *images.shape[1:])
    steps = int(sys.argv[4])
    np.savez(out, **mnist_conv.run(state, {"real": batches, **noise}, pretraining_steps=0, steps=steps))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
