"""A sweep here and on a cluster: the same table, bit for bit, and what was done stands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.report.sweep_picture import draw_sweep
from gan_rosetta.shared.sweeps import cluster, remote
from gan_rosetta.shared.sweeps.table_file import TABLE_FILE

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'gan-rosetta[sweeps]'")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'gan-rosetta[sweeps]'")

RATE = "training.generator_optimizer.learning_rate.value"
PLAN = {"gans": ["linear-2d"], "runs": ["numpy"], "seeds": 2, "steps": 6, "fields": {RATE: [0.01, 0.5]}}
# What Dask says to itself when a cluster within this process is put up and taken down.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def address():
    """Return the address of a cluster within this process."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as found:
        yield found.scheduler_address


def test_a_table_has_a_row_a_job_and_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    found = gr.sweep(PLAN, out=tmp_path)
    table = parquet.read_table(found.table)
    assert table.num_rows == 4
    assert table["seed"].to_pylist() == [14, 15, 14, 15]
    assert table[RATE].to_pylist() == [0.01, 0.01, 0.5, 0.5]
    assert table["message"].to_pylist() == [""] * 4
    assert np.isfinite(table[found.outcomes[0]].to_numpy()).all()
    # As from the GAN's own seeds, where its rate is its own.
    alone = gr.train("linear-2d", run="numpy", steps=6, seeds=2).across
    np.testing.assert_array_equal(table[found.outcomes[0]].to_numpy()[:2], alone.numbers[found.outcomes[0]])
    content = (tmp_path / TABLE_FILE).read_bytes()
    again = gr.sweep(PLAN, out=tmp_path)
    assert again.num_found == 4
    assert (tmp_path / TABLE_FILE).read_bytes() == content
    longer = gr.sweep({**PLAN, "seeds": 3}, out=tmp_path)
    assert (longer.num_found, len(longer.rows)) == (4, 6)
    assert "4 of them done before" in longer.lines()[0]
    assert "learning_rate 0.01" in longer._repr_html_()
    figure = draw_sweep(longer)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0.01", "0.5"]


def test_a_cluster_gives_the_same_table_bit_for_bit(tmp_path: Path, address: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    gr.sweep(PLAN, out=here)
    scheduler_file = tmp_path / "scheduler.json"
    scheduler_file.write_text(json.dumps({"address": address}), encoding="utf-8")
    found = gr.sweep(PLAN, out=there, scheduler_file=scheduler_file)
    assert found.num_found == 0
    assert (there / TABLE_FILE).read_bytes() == (here / TABLE_FILE).read_bytes()


def test_a_job_that_fails_is_a_row_with_what_it_had_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def some_fail(orders, address, /, *, on_outcome):
        del address, on_outcome
        return [cluster.JobOutcome(settings=order, status="crash", message="it fell") for order in orders]

    monkeypatch.setattr("gan_rosetta.shared.sweeps.session.run_on_cluster", some_fail)
    found = gr.sweep(PLAN, out=tmp_path, cluster="tcp://nowhere:1")
    assert len(found.failures) == 4
    assert found.columns()["message"] == ["it fell"] * 4
    assert "linear-2d on numpy, generator_optimizer.learning_rate 0.01, seed 14: it fell" in found.lines()[1]


def test_workers_of_another_version_are_refused(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = remote.describe(["numpy"])
    answers = iter([{**right, "numpy": "1.0"}, right])
    monkeypatch.setattr(remote, "describe", lambda backends: next(answers))
    with pytest.raises(UsageError, match=r"worker at .* has numpy .* and not 1\.0"):
        gr.sweep(PLAN, out=tmp_path, cluster=address)


def test_a_cluster_without_workers_is_refused(tmp_path: Path) -> None:
    options = {"n_workers": 0, "processes": False, "dashboard_address": ":0", "protocol": "tcp"}
    with distributed.LocalCluster(**options) as found, pytest.raises(UsageError, match="has no worker; start one"):
        gr.sweep(PLAN, out=tmp_path, cluster=found.scheduler_address)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cluster": "tcp://127.0.0.1:1"}, "no Dask scheduler answers at tcp://127.0.0.1:1"),
        ({"cluster": "nonsense"}, "no Dask scheduler answers at nonsense"),
        ({"scheduler_file": "nothing.json"}, r"nothing\.json cannot be read"),
        ({"scheduler_file": __file__}, "holds no scheduler's address"),
        ({"cluster": "a", "scheduler_file": "b"}, "one of the two"),
    ],
)
def test_a_cluster_that_is_not_there_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict, said: str
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    with pytest.raises(UsageError, match=said) as caught:
        gr.sweep(PLAN, out=tmp_path, **arguments)
    assert "\n" not in str(caught.value)


def test_a_scheduler_that_is_lost_leaves_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Future:
        status = "cancelled"
        key = "job"

    class Client:
        def submit(self, *arguments, **options):
            return Future()

        def run(self, *arguments, **options):
            return {"tcp://worker:1": remote.describe(["numpy"])}

        def close(self, **options):
            return None

    monkeypatch.setattr(distributed, "Client", lambda *arguments, **options: Client())
    monkeypatch.setattr(distributed, "as_completed", iter)
    with pytest.raises(RunFailed, match=r"was lost .* after 0 of 4 jobs; they stand, and the same command goes on"):
        gr.sweep(PLAN, out=tmp_path, cluster="tcp://lost:1")


def test_the_command_says_the_best_settings_and_where_the_table_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "rates.toml"
    plan.write_text(f'gans = ["linear-2d"]\nruns = ["numpy"]\nsteps = 3\n[fields]\n"{RATE}" = [0.01]\n', "utf-8")

    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "sweep", str(plan), "--out", str(tmp_path), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    picture = tmp_path / "rates.png"
    status, printed, _ = execute("--picture", str(picture))
    assert status == 0
    assert printed.startswith("1 job\n")
    assert "generator_optimizer.learning_rate 0.01" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, printed, _ = execute("--json")
    assert json.loads(printed)["rows"][0]["seed"] == 14
    status, _, said = execute("--picture", "rates.svg")
    assert (status, said.count("\n")) == (2, 1)
