"""The script that measures the reader of photographs."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_gans

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script():
    return runpy.run_path(str(ROOT / "benchmarks" / "tiny.py"))


def test_hits_are_counted(script, rng):
    probabilities = rng.dirichlet(np.ones(7), 200)
    labels = rng.integers(0, 7, 200)
    for k in (1, 3, 7):
        best = np.argsort(-probabilities, axis=1)[:, :k]
        assert script["hits"](probabilities, labels, k) == (best == labels[:, None]).any(1).sum()
    assert script["hits"](np.full((5, 7), 1 / 7), np.zeros(5, int), 5) == 0  # it says nothing


def test_the_interval_is_wilsons(script):
    assert script["interval"](50, 100) == pytest.approx([0.4038, 0.5962], abs=1e-4)
    assert script["interval"](0, 20) == pytest.approx([0.0, 0.1611], abs=1e-4)


def test_a_model_folder_is_measured(script, tmp_path, monkeypatch, capsys):
    model = keras_gans.ResidualNet(num_classes=2, size=8, widths=(4,), blocks=(1,))
    model.save_pretrained(tmp_path / "model")
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for i in range(8):
            path = tmp_path / "data" / split / f"n0{i % 2}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype="uint8")).save(path)
    out = tmp_path / "found.json"
    monkeypatch.setattr(
        sys, "argv", ["tiny.py", str(tmp_path / "model"), "--data", str(tmp_path / "data"), "--out", str(out)]
    )
    script["main"]()
    found, data = json.loads(out.read_text()), keras_gans.data.load(tmp_path / "data", split="val")
    right = 100 * (model.classify(data.images) == data.labels).mean()
    assert found["top_1"]["value"] == pytest.approx(right)
    assert found["top_5"]["value"] == 100
    assert (found["model"], found["images"], found["split"]) == ("model", 8, "val")
    assert capsys.readouterr().out.startswith(f"top-1: {right} % (")
