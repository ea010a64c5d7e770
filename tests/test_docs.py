"""The docs say what is: generated parts have not drifted, and every snippet runs."""

import dataclasses
import json
import re
import runpy
from pathlib import Path

import pytest

from keras_gans.zoo import registry

ROOT = Path(__file__).resolve().parents[1]
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
