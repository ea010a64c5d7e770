"""keras-gans benchmark: each model in a process of its own, and what is written of it."""

import csv
import re

import numpy as np
import pytest

import keras_gans
from keras_gans import artifacts
from keras_gans.api.benchmark import _precision
from keras_gans.cli import benchmark, scatter

SPREAD = {"median": 100.0, "low": 90.0, "high": 110.0}


def _row(name, speed, scores):
    return {
        "name": name,
        "version": 1,
        "parameters": 1000,
        "bytes": 2000,
        "scores": scores,
        "precision": {"drawing": "float32", "training": "bfloat16, float32"},
        "load_s": {"median": 0.25, "low": 0.2, "high": 0.3},
        "samples_per_s": {"1": SPREAD, "64": {"median": speed, "low": speed - 1, "high": speed + 1}},
        "memory_mb": 12,
    }


def _fid(value, protocol="fid[x, 10k, y]", **more):
    return {"metric": "fid", "protocol": protocol, "value": value, **more}


def _found(*rows):
    return {"machine": {"hardware": "Abacus, 2 cores", "versions": {"keras": "3.15"}}, "repeats": 7, "models": [*rows]}


@pytest.mark.slow
def test_a_model_is_measured(kg, zoo, pixels):
    """The folder, not the name: the other process has the real registry."""
    record = artifacts.read_provenance(zoo / "toy_classes")
    artifacts.write_json(
        zoo / "toy_classes" / artifacts.SCORES,
        {"version": 1, "sha256": record["sha256"], "scores": [_fid(3.5)]},
    )
    result = kg("benchmark", zoo / "toy_classes", "--batch-size", 2, "--batch-size", 4, "--repeats", 2, "--out", "b")
    assert result.exit_code == 0, result.stderr
    machine, header, line, note = result.stdout.splitlines()
    assert "tensorflow" in machine
    assert "drawing float32, training float32; medians of 2" in machine
    assert header.split()[0] == "model"
    assert "samples/s by 2  samples/s by 4" in re.sub(" {3,}", "  ", header)
    assert "fid[x, 10k, y] = 3.5" in line
    assert note == "Medians, with lowest and highest; memory is one reading."
    found = artifacts.read_json("b/benchmark.json")
    (row,) = found["models"]
    assert set(row["samples_per_s"]) == {"2", "4"}
    for spread in (row["load_s"], row["train_images_per_s"], *row["samples_per_s"].values()):
        assert 0 < spread["low"] <= spread["median"] <= spread["high"]
    assert row["load_s"]["median"] <= row["first_load_s"]  # which built what all need
    assert row["precision"] == {"drawing": "float32", "training": "float32"}
    assert row["parameters"] == record["parameters"]
    assert row["train_memory_mb"] >= row["memory_mb"] >= 0
    assert pixels("b/benchmark.png").shape == (scatter.HEIGHT, scatter.WIDTH, 3)


def test_the_csv_has_a_line_for_each_model_and_a_column_for_each_number():
    found = _found(_row("a", 50.0, [_fid(3.5, interval=[3.0, 4.0])]), _row("b", 70.0, [_fid(1, "fid[z]")]))
    rows = list(csv.DictReader(benchmark.table_of(found).splitlines()))
    assert [row["name"] for row in rows] == ["a", "b"]
    assert rows[0]["samples_per_s.64.median"] == "50.0"
    assert rows[0]["fid[x, 10k, y]"] == "3.5"
    assert (rows[0]["fid[x, 10k, y].low"], rows[0]["fid[x, 10k, y].high"]) == ("3.0", "4.0")
    assert rows[1]["fid[x, 10k, y]"] == rows[1]["fid[z].low"] == ""
    for row in rows:
        assert (row["hardware"], row["versions.keras"], row["repeats"]) == ("Abacus, 2 cores", "3.15", "7")
        assert (row["precision.drawing"], row["precision.training"]) == ("float32", "bfloat16, float32")


def test_the_screen_says_spreads_batches_and_precision():
    found = _found(_row("a", 50.0, []))
    line = dict(zip(benchmark.columns_of(found), benchmark.shown(found["models"][0]), strict=True))
    assert line["load"] == "0.25 s (0.20 to 0.30)"
    assert (line["samples/s by 1"], line["samples/s by 64"]) == ("100 (90 to 110)", "50 (49 to 51)")
    assert (line["training images/s"], line["memory"]) == ("-", "12 MB")
    assert benchmark.machine_of(found) == (
        "Abacus, 2 cores; keras 3.15; drawing float32, training bfloat16, float32; medians of 7"
    )


def test_the_precision_is_that_of_the_layers():
    gan = keras_gans.DCGAN(size=28, channels=1, width=2, latent=4, dtype="mixed_bfloat16")
    found = _precision(gan)
    assert found["drawing"] == "float32"
    assert "bfloat16" in found["training"]


def test_protocols_do_not_share_a_panel():
    found = {
        "models": [_row("a", 50.0, [_fid(3.5)]), _row("b", 70.0, [_fid(9.0, "fid[z]")]), _row("c", 9.0, [_fid(1)])]
    }
    assert benchmark.panels_of(found) == [
        ("fid[x, 10k, y]", [("a", 50.0, 3.5), ("c", 9.0, 1)]),
        ("fid[z]", [("b", 70.0, 9.0)]),
    ]


def test_a_point_lies_where_its_numbers_say():
    def centre(points):
        page = scatter.draw([("fid[x]", points)]).astype(int)
        blue = np.argwhere((abs(page - (0x18, 0x64, 0xAB)) < 20).all(-1))
        return blue[blue[:, 1] < scatter.WIDTH - scatter.RIGHT].min(0)

    high, low = centre([("", 150.0, 9.0)]), centre([("", 150.0, 0.0)])
    assert high[0] < low[0]
    assert high[1] == low[1]


def test_names_of_points_that_are_near_do_not_cover_each_other():
    assert scatter.apart([100.0, 95.0, 40.0], 14) == [100.0, 86.0, 40.0]
    assert scatter.apart([90.0, 100.0, 99.0], 14) == [72.0, 100.0, 86.0]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [(["nothing"], 1, "no model 'nothing'"), (["toy_reader"], 1, "draws nothing"), (["--repeats", "0"], 2, "repeats")],
)
def test_mistakes_are_one_sentence(arguments, code, sentence, kg, zoo):
    result = kg("benchmark", *arguments)
    assert result.exit_code == code
    assert sentence in result.stderr


@pytest.mark.slow
def test_a_process_that_fails_is_one_sentence(zoo, monkeypatch):
    (zoo / "toy_digits" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(keras_gans.KerasGansError, match=r"could not be measured .*published file"):
        keras_gans.benchmark([zoo / "toy_digits"], repeats=1, batch_sizes=(1,), train=False)
