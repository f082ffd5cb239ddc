"""A law on generated GANs: each agrees with the reference in every quantity of three steps."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from shared.generate.check import find_disagreement, write_reference
from shared.generate.strategies import gan_specs
from shared.spec import GanSpec

_NUM_SPECS = 20


@pytest.fixture(scope="module")
def reference_folder(tmp_path_factory):
    """Where the reference's side of each GAN is, written once for all backends of this process."""
    root = tmp_path_factory.mktemp("generated")
    folders = {}

    def find(spec: GanSpec):
        if spec not in folders:
            folders[spec] = root / f"{len(folders)}"
            write_reference(spec, folders[spec])
        return folders[spec]

    return find


def test_generated_gans_agree(backend, reference_folder, reference_too):
    # Derandomised, so that the same GANs are drawn each time; `gan-rosetta generate` draws others.
    @settings(
        max_examples=_NUM_SPECS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(spec=gan_specs())
    def check(spec):
        finding = find_disagreement(spec, reference_folder(spec), backend=backend)
        assert finding is None, f"{finding}\nin {spec}"

    check()
