"""A law on generated GANs: each agrees with the reference in every quantity of three steps."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.conformance.frameworks import device_of
from gan_rosetta.shared.generate.check import find_disagreement, write_reference
from gan_rosetta.shared.generate.session import draw_specs
from gan_rosetta.shared.spec.toml_file import spec_to_toml

_NUM_SPECS = 20
_SEED = 1


@pytest.fixture(scope="session")
def walked_gans(tmp_path_factory):
    """Each GAN and the folder with the reference's side, which all backends of this process share."""
    root = tmp_path_factory.mktemp("generated")
    walked = []
    for index, spec in enumerate(draw_specs(_NUM_SPECS, seed=_SEED)):
        write_reference(spec, root / str(index))
        walked.append((spec, root / str(index)))
    return walked


def test_generated_gans_agree(backend, walked_gans, reference_too):
    assert len(walked_gans) == _NUM_SPECS
    for spec, folder in walked_gans:
        finding = find_disagreement(spec, folder, backend=backend, device=device_of(backend))
        assert finding is None, f"{finding} in\n{spec_to_toml(spec)}"
