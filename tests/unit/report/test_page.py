"""The page: whole, small, readable in both themes, free of a network and of what others wrote into it."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import webbrowser
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from typer.testing import CliRunner

import gan_rosetta.shared.runs.plan
from gan_rosetta.shared.commands import main as main_module
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.quality.measure import measure_quality
from gan_rosetta.shared.report.diagnose_command import diagnose_command
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.report.page.render import report_page, write_report
from gan_rosetta.shared.report.page.words import reproduce_command, verdict_sentence
from gan_rosetta.shared.runs.record import read_run
from tests.unit.report.recorded import as_record, change, record_gan
from tests.unit.runs.orders import changed

LINEAR = find_gan("linear-2d")
HOSTILE = "</script><script>alert('here')</script><img src=x>"


class Page(HTMLParser):
    """What a browser sees: addresses, elements, texts, and the figures' data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.elements: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self.texts: list[str] = []
        self.figures: list[dict] = []
        self._within: list[str] = []
        self.feed(text)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.append(tag)
        self.addresses += [values[name] for name in ("src", "href", "srcset", "action", "poster") if name in values]
        self.handlers += [name for name in values if name.startswith("on")]
        self.policy = values["content"] if values.get("http-equiv") == "Content-Security-Policy" else self.policy
        self._within = [tag, values.get("type") or ""]

    def handle_data(self, data):
        if self._within == ["script", "application/json"]:
            self.figures.append(json.loads(data))
        elif self._within[:1] not in (["script"], ["style"]):
            self.texts.append(data)

    def handle_endtag(self, tag):
        self._within = []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A page of all GANs on five backends, with long curves."""
    root = tmp_path_factory.mktemp("runs")
    for spec in CATALOGUE.values():
        backends = ("numpy", "torch", "tensorflow", "mxnet", "jax")
        record_gan(root, spec, backends, num_steps=20_000, reason=f"why {spec.name}", horizon=700)
    return root, report_page(collect(root))


def test_the_page_is_whole(whole):
    root, text = whole
    page = Page(text)
    found = collect(root)
    assert [gan.name for gan in found] == list(CATALOGUE)
    for gan in found:
        assert gan.spec.title in page.text
        assert f"why {gan.name}" in page.text
        assert f"gan-rosetta compare {gan.name} --backends jax,mxnet,numpy,tensorflow,torch" in page.text
        for number in measure_quality(gan.runs[0].samples, gan.spec):
            assert number.name in page.text
            assert number.definition in page.text
    assert page.text.count("All 10 pairs agree: why ") == 2 * len(CATALOGUE)
    assert "A Processor, 2 logical cores, 8 GiB of memory, Linux" in page.text
    assert "123" in page.text


def test_every_loss_has_all_backends_the_envelope_and_the_differences(whole):
    page = Page(whole[1])
    drawn = [figure for figure in page.figures if isinstance(figure, dict)]
    titles = [figure["layout"]["yaxis"].get("title", {}).get("text") for figure in drawn]
    losses = [figure for figure, title in zip(drawn, titles, strict=True) if title == "loss"]
    shown = {"numpy", "torch", "tensorflow", "mxnet", "jax", ""}
    assert len(losses) == sum(len(spec.training.loss_names) + bool(spec.pretraining) for spec in CATALOGUE.values())
    for figure in losses:
        assert {trace["meta"]["run"] for trace in figure["data"]} == shown
        assert sum(trace.get("fill") == "tonexty" for trace in figure["data"]) == 2
        assert figure["layout"]["yaxis2"]["title"]["text"] == "apart from numpy"


def test_the_page_is_small_however_long_the_curves(whole):
    assert len(whole[1].encode()) < 1.2e6 * len(CATALOGUE)


def test_the_page_loads_nothing(whole):
    page = Page(whole[1])
    assert page.addresses
    assert [address for address in page.addresses if not re.match(r"#|data:", address)] == []
    assert page.policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in page.policy
    style = re.search(r"<style>(.*?)</style>", whole[1], re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_has_both_themes_and_prints(whole):
    style = re.search(r"<style>(.*?)</style>", whole[1], re.DOTALL).group(1)
    assert "@media (prefers-color-scheme: dark)" in style
    assert "@media print" in style
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in whole[1]


def test_what_others_wrote_is_shown_and_not_run(tmp_path):
    spec = replace(LINEAR, title=HOSTILE)
    plain = Page(report_page(collect(record_gan(tmp_path / "plain", LINEAR, failures={"mxnet": "broken"}).parent)))
    folder = record_gan(
        tmp_path / "hostile", spec, failures={HOSTILE: HOSTILE}, reason=HOSTILE, gan=HOSTILE, execution=HOSTILE
    )
    for backend in ("numpy", "torch"):
        path = folder / backend / "record.json"
        change(path, backend=backend + HOSTILE)
    text = report_page(collect(folder.parent))
    page = Page(text)
    assert sorted(page.elements) == sorted(plain.elements)
    assert page.handlers == []
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(&#39;here&#39;)") >= 8
    assert page.figures[0]["data"][0]["name"] == html.escape(f"numpy{HOSTILE}")


def test_samples_are_shown_at_every_moment(tmp_path):
    for name in ("gaussian-1d", "linear-2d", "sine", "mnist-wgan-gp"):
        record_gan(tmp_path, find_gan(name), moments=(0, 10, 20, 30))
    text = report_page(collect(tmp_path))
    page = Page(text)
    lists = [figure for figure in page.figures if isinstance(figure, list)]
    words = ["before the first step", "step 10 of 30", "step 20 of 30", "step 30, the end"]
    assert [entry for entry in lists if not entry[0].startswith("data:")] == [words] * 4
    pictures = [entry for entry in lists if entry[0].startswith("data:image/webp;base64,")]
    assert [len(set(entry)) for entry in pictures] == [4, 4]
    frames = [len(figure["frames"]) for figure in page.figures if isinstance(figure, dict) and figure.get("frames")]
    assert frames == [4] * 5  # One figure of 1D data, two runs of points and of curves.
    assert page.elements.count("input") == 4 * (2 + 1)


def test_runs_without_moments_show_their_end_without_a_slider(tmp_path):
    record_gan(tmp_path, LINEAR, moments=())
    page = Page(report_page(collect(tmp_path)))
    assert "Samples at the end" in page.text
    assert page.elements.count("input") == 2
    assert "output" not in page.elements


def test_a_run_of_fewer_steps_stays_at_its_last(tmp_path):
    record_gan(tmp_path, LINEAR, ("numpy",), moments=(0, 10))
    short = tmp_path / "linear-2d" / "numpy"
    short.rename(tmp_path / "short")
    shutil.rmtree(tmp_path / "linear-2d")
    record_gan(tmp_path, LINEAR, ("torch", "jax"), moments=(0, 10, 30))
    (tmp_path / "short").rename(short)
    page = Page(report_page(collect(tmp_path)))
    drawn = [figure["frames"] for figure in page.figures if isinstance(figure, dict) and figure.get("frames")]
    _, numpy, torch = drawn
    assert [len(frames) for frames in (numpy, torch)] == [3, 3]
    assert numpy[1]["data"][1] == numpy[2]["data"][1] != numpy[0]["data"][1]
    assert torch[1]["data"][1] != torch[2]["data"][1]


def test_the_page_is_the_same_each_time(tmp_path):
    root = record_gan(tmp_path, LINEAR).parent
    first, second = (report_page(collect(root)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ("AGREE", "All 3 pairs agree: so it is; losses within 1e-15. No run from mxnet."),
        ("DISAGREE", "numpy and torch disagree: so it is. So do 2 other pairs. No run from mxnet."),
        ("NOT COMPARABLE", "numpy and torch cannot be compared: so it is. No run from mxnet."),
    ],
)
def test_the_verdict_in_a_sentence(tmp_path, verdict, sentence):
    backends = ("numpy", "torch", "jax")
    record_gan(tmp_path, LINEAR, backends, verdict=verdict, reason="so it is", failures={"mxnet": "it broke"})
    (gan,) = collect(tmp_path)
    assert verdict_sentence(gan) == sentence
    page = Page(report_page([gan]))
    assert sentence in page.text
    assert verdict in page.text
    assert "it broke" in page.text


def test_equal_losses_are_called_identical(tmp_path):
    path = record_gan(tmp_path, LINEAR) / "comparison.json"
    (pair,) = json.loads(path.read_text())["pairs"]
    change(path, pairs=[{**pair, "largest_relative_loss_difference": 0.0}])
    (gan,) = collect(tmp_path)
    assert verdict_sentence(gan).endswith("; identical losses.")
    assert "0e+00" not in Page(report_page([gan])).text


def test_the_page_says_where_a_pair_parts_and_how_to_look_into_it(tmp_path):
    path = record_gan(tmp_path, LINEAR, ("numpy", "torch", "jax"), verdict="DISAGREE", asked={"dtype": "float32"})
    path /= "comparison.json"
    pairs = json.loads(path.read_text())["pairs"]
    findings = [
        {"where": "generator's loss at step 7", "difference": 0.25, "allowed": 1e-14},
        {"where": "generator.output.weight after 3", "difference": 0.5, "allowed": 2e-14},
        {"where": "optimizer.generator.step at the end", "difference": "inf", "allowed": 0.0},
        *({"where": f"tensor{index} at the end", "difference": 0.1, "allowed": 1e-9} for index in range(30)),
    ]
    change(path, pairs=[{**pairs[0], "findings": findings}, {**pairs[1], "verdict": "AGREE"}, pairs[2]])
    page = Page(report_page(collect(tmp_path)))
    for row in (
        "generator's loss at step 7 2.5e-01 1.0e-14",
        "generator.output.weight after 3 5.0e-01 2.0e-14",
        "optimizer.generator.step at the end infinite nothing",
        "And 13 more in comparison.json.",
        "gan-rosetta diagnose linear-2d --runs torch --dtype float32 --seed 3",
    ):
        assert row in page.text
    assert page.text.count("gan-rosetta diagnose") == 1


@pytest.mark.parametrize("names", [("numpy", "torch"), ("torch:float32", "jax"), ("torch:compiled", "torch:eager")])
def test_the_command_that_looks_into_a_pair_can_be_run(tmp_path, names):
    said = {"seed": 5, "dtype": "float32", "execution": "compiled", "mnist": "a 'b'"}
    folder = record_gan(tmp_path, LINEAR, asked=said)
    first, second = (read_run(folder / name) for name in ("numpy", "torch"))
    runs = []
    for run, name in zip((first, second), names, strict=True):
        backend, _, word = name.partition(":")
        entries = {"execution": word} if word in ("eager", "compiled") else {}
        own = as_record(changed(run.order, name=name, backend=backend, **entries))
        runs.append(replace(run, record={**run.record, **own, "backend": backend, "run": name}))
    words = shlex.split(diagnose_command(runs, names))
    assert words[:3] == ["gan-rosetta", "diagnose", "linear-2d"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--runs"] == ",".join(name for name in names if name != "numpy")
    assert options["--mnist"] == "a 'b'"
    assert ("--execution" in options) == (names[0] != "torch:compiled")
    assert options["--dtype"] == "float32"


def test_no_command_looks_into_the_reference_alone_or_a_gan_given_in_python(tmp_path):
    folder = record_gan(tmp_path, LINEAR, asked={"source": "the GanSpec 'linear-2d'"})
    runs = [read_run(folder / name) for name in ("numpy", "torch")]
    assert diagnose_command(runs, ("numpy", "numpy:float32")) == diagnose_command(runs, ("numpy", "torch")) == ""


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "sine", "mnist-wgan-gp"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_runs_that_went_wrong_have_a_page(tmp_path, name, value):
    record_gan(tmp_path, find_gan(name), generated=value)
    page = Page(report_page(collect(tmp_path)))
    assert "samples that are not numbers" in page.text
    assert page.figures


def test_a_run_alone_has_a_page_and_nothing_above_it_is_read(tmp_path):
    folder = record_gan(tmp_path, LINEAR, failures={"mxnet": "SECRET"})
    path = write_report(folder / "torch")
    assert path == folder / "torch" / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert "One run, compared with nothing." in page.text
    assert "SECRET" not in page.text
    assert "gan-rosetta train linear-2d --backend torch --dtype float64 --seed 3 --steps 30 --threads 1" in page.text


def test_the_command_asks_for_what_was_run(tmp_path, monkeypatch):
    asked = {
        "seed": 5,
        "dtype": "float32",
        "execution": "compiled",
        "device": "cuda",
        "threads": 2,
        "steps": 7,
        "pretrain_steps": 3,
        "batch_size": 6,
        "first_step": 2,
        "mnist": "a folder/with 'quotes'",
        "keep_going": True,
        "num_seeds": 40,
    }
    record_gan(tmp_path, find_gan("gaussian-1d"), asked=asked)
    plans = []

    def remember(gans, names, request, folder, *, threads, pythons, num_seeds):
        said = {**vars(request), **vars(request.feed), **vars(request.course)}
        plans.append((gans, names, {**said, "threads": threads, "num_seeds": num_seeds}))
        raise UsageError("planned")

    monkeypatch.setattr(gan_rosetta.shared.runs.plan, "plan_compare", remember)
    (gan,) = collect(tmp_path)
    program, *words = shlex.split(reproduce_command(gan))
    assert program == "gan-rosetta"
    finished = CliRunner().invoke(main_module.app, words)
    assert str(finished.exception) == "planned", finished.output
    ((gans, names, found),) = plans
    assert (gans, [str(name) for name in names]) == (["gaussian-1d"], ["numpy", "torch"])
    assert {key: found[key] for key in asked} == asked


@pytest.mark.parametrize("out", ["absent/page.html", "."])
def test_a_page_that_cannot_be_written_is_refused(tmp_path, out):
    record_gan(tmp_path, LINEAR)
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(tmp_path, tmp_path / out)


def test_compare_opens_the_report_that_it_writes(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    out = tmp_path / "runs"
    words = ["compare", "linear-2d", "--backends", "numpy", "--steps", "2", "--open", "--out", str(out)]
    finished = CliRunner().invoke(main_module.app, words)
    assert finished.exit_code == 4, finished.output  # One backend is compared with nobody.
    assert opened == [(out / "report.html").as_uri()]
    assert "linear-2d" in Page((out / "report.html").read_text(encoding="utf-8")).text
    finished = CliRunner().invoke(main_module.app, ["report", str(out), "--out", str(tmp_path / "again.html")])
    assert finished.exit_code == 0, finished.output
    assert (tmp_path / "again.html").read_bytes() == (out / "report.html").read_bytes()
