"""A law on generated GANs: each agrees with the reference in every quantity of three steps."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gan_rosetta.shared.generate.check import find_disagreement, write_reference
from gan_rosetta.shared.spec.toml_file import spec_from_toml

_NUM_SPECS = 20
_SEED = 1
# Drawn in a process of its own: Hypothesis also tries numbers that it finds in the modules loaded so far, so that here
# the GANs would depend on which tests ran before.
_PROGRAM = f"""
import json
from gan_rosetta.shared.generate.session import draw_specs
from gan_rosetta.shared.spec.toml_file import spec_to_toml
print(json.dumps([spec_to_toml(spec) for spec in draw_specs(8 * {_NUM_SPECS}, seed={_SEED})[::8]]))
"""


@pytest.fixture(scope="session")
def walked_gans(tmp_path_factory):
    """The TOML text of each GAN and the folder with the reference's side, which all backends of this process share."""
    finished = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    root = tmp_path_factory.mktemp("generated")
    walked = []
    for index, text in enumerate(json.loads(finished.stdout)):
        write_reference(spec_from_toml(text, where="a generated GAN"), root / str(index))
        walked.append((text, root / str(index)))
    return walked


def test_generated_gans_agree(backend, walked_gans, reference_too):
    assert len(walked_gans) == _NUM_SPECS
    for text, folder in walked_gans:
        finding = find_disagreement(spec_from_toml(text, where="a generated GAN"), folder, backend=backend)
        assert finding is None, f"{finding} in\n{text}"
