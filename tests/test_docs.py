"""The docs say what is: generated parts have not drifted, and every snippet runs."""

import dataclasses
import importlib
import json
import re
import runpy
from pathlib import Path

import pytest

from keras_gans.metrics import PARZEN_CAVEAT, Score
from keras_gans.metrics.score import HIGHER_IS_BETTER
from keras_gans.zoo import registry

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets():
    for page in PAGES:
        for i, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
            yield pytest.param(code, id=f"{page.name}-{i}")


@pytest.mark.slow
@pytest.mark.parametrize("code", list(snippets()))
def test_snippets_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    notebook = json.loads((ROOT / "docs" / "tour.ipynb").read_text())
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 4
    for i, code in enumerate(cells):
        exec(compile(code, f"cell {i}", "exec"), names)
    assert names["tuned"].shape == (16, 28, 28, 1)


def test_generated_pages_have_not_drifted():
    for path, text in runpy.run_path(str(ROOT / "docs" / "build_pages.py"))["pages"]().items():
        assert path.read_text() == text, f"{path.name} has drifted: run python docs/build_pages.py"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("sanity_*.json")), ids=lambda path: path.stem)
def test_what_ought_to_keep_the_order_keeps_it(path):
    """Real images before a strong model, that before a weak one, and that before noise."""
    rows = json.loads(path.read_text())["rows"]
    assert [row["row"] for row in rows] == ["real", "strong", "weak", "noise"]
    for metric in ("fid", "kid", "coverage", "cas"):
        values = [row[metric] for row in rows]
        in_order = sorted(values, reverse=HIGHER_IS_BETTER[metric])
        assert values == in_order, f"{metric} of {path.stem}: {values}"
        assert len(set(values)) == 4


def test_mnists_order_was_measured():
    assert (RESULTS / "sanity_mnist.json").is_file()


@pytest.fixture
def page(monkeypatch):
    """The functions of a page's script, by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module


def test_a_cell_that_breaks_the_order_is_bold(page):
    rows = [{"fid": 1.0, "density": 1.0}, {"fid": 2.0, "density": 1.5}, {"fid": 1.5, "density": 1.5}]
    cells = [[page("measured_page")._ordered(rows, i, name) for name in ("fid", "density")] for i in range(3)]
    assert cells == [["1.000", "1.000"], ["2.000", "**1.500**"], ["**1.500**", "1.500"]]


def test_a_recorded_benchmark_is_shown(page, monkeypatch):
    def spread(median):
        return {"median": median, "low": median / 2, "high": 2 * median}

    row = {
        "name": "a_model",
        "parameters": 12345,
        "bytes": 4_600_000,
        "precision": {"drawing": "float32", "training": "bfloat16"},
        "load_s": spread(0.5),
        "samples_per_s": {"1": spread(100), "64": spread(2000)},
        "train_images_per_s": spread(300),
        "memory_mb": 12,
    }
    found = {"machine": {"hardware": "Abacus", "versions": {"keras": "3.15"}}, "repeats": 5, "models": [row]}
    measured = page("measured_page")
    monkeypatch.setattr(measured, "results", lambda name: found if name == "benchmark" else {})
    lines = measured.benchmark_table()
    assert lines[2].startswith("Abacus; keras 3.15; drawing in float32; training in bfloat16. Medians of 5")
    header, line = (next(text for text in lines if text.startswith(start)) for start in ("| model", "| a_model"))
    shown = dict(zip(header.split(" | ")[1:], line.split(" | ")[1:], strict=True))
    assert shown["load"] == "0.50 s (0.25 to 1.00)"
    assert shown["samples/s by 64"] == "2,000 (1,000 to 4,000)"
    assert shown["training images/s"] == "300 (150 to 600)"
    monkeypatch.setattr(measured, "results", lambda name: {})
    assert measured.benchmark_table() == []


def test_a_parzen_likelihood_stands_with_its_error_below_real_images_and_above_its_caveat(page):
    results = page("results_page")
    real = Score.from_dict(json.loads((RESULTS / "parzen_real.json").read_text())["score"])
    assert 238 < real.value < 248  # measured: 242.7 by five choices of 10,000
    score = dataclasses.replace(
        real, value=226.0, interval=(225.0, 227.0), details={"standard_error": 1.96, "sigma": 0.1668}
    )
    card = registry.find("vanilla_mnist")
    lines = results.table(card, [score], results.published()).splitlines()
    above, ours = lines[4:6]
    assert above.startswith("| the same of 10,000 images of mnist train[:50000] |")
    assert f"| {real.value:.4g} ± {real.details['standard_error']:.2g} (standard error; " in above
    assert "| 226 ± 2 (standard error; 225 to 227 over seeds) | 225 ± 2 nats (Goodfellow et al. 2014" in ours
    assert ours.endswith("| met |")
    assert lines[-1] == PARZEN_CAVEAT
    other = dataclasses.replace(score, protocol="parzen[3072 pixels, 10k, cifar10 test, ...]")
    for line in results.table(card, [other], results.published()).splitlines():
        assert "the same of" not in line
        assert "Goodfellow" not in line  # a paper's value stands beside its own protocol alone


def test_the_licence_of_every_models_weights_is_stated():
    built = runpy.run_path(str(ROOT / "docs" / "build_pages.py"))
    cards = registry.list_models()
    table, notice = built["table"](cards).splitlines(), built["notice"](cards)
    assert table[0].endswith("| weights' licence |")
    assert len(cards) >= 4
    for card, row in zip(cards, table[2:], strict=True):
        assert row.startswith(f"| [`{card.name}`]")
        assert row.endswith(f"| {card.weights_license} |")
        if card.status == "pretrained":
            assert f"zoo/models/{card.name}/weights.safetensors\n    {card.weights_license}\n" in notice
    published = dataclasses.replace(cards[0], status="pretrained", weights_license="CC0-1.0")
    assert f"zoo/models/{cards[0].name}/weights.safetensors\n    CC0-1.0\n" in built["notice"]([published])
    recipe = dataclasses.replace(cards[0], status="recipe")
    assert cards[0].name not in built["notice"]([recipe])


def test_every_model_with_weights_has_a_picture():
    for card in registry.list_models():
        assert card.status != "pretrained" or (card.folder / "samples.png").is_file(), card.name


def test_links_lead_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_ci_runs_the_readmes_commands():
    commands = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3 -m venv .venv")
    ]
    assert len(commands) == 2
    assert "keras-gans generate" in commands[0]
    assert "pytest" in commands[1]
