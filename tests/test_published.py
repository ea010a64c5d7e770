"""What is shipped is what its records say, and does what it is for."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_gans
from keras_gans import artifacts, metrics
from keras_gans.api import evaluation
from keras_gans.zoo import registry

PUBLISHED = [card.name for card in registry.list_models(status="pretrained")]


@pytest.fixture(scope="module")
def reader():
    return keras_gans.load("lenet_mnist")


def test_the_digits_are_published():
    assert {"vanilla_mnist", "dcgan_mnist", "dcgan_mnist_conditional", "lenet_mnist"} <= set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_records_count_right(name):
    card = keras_gans.info(name)
    record = artifacts.read_provenance(card.folder)
    model = keras_gans.load(name)
    parameters = sum(int(np.prod(w.shape)) for net in model.published_networks().values() for w in net.weights)
    assert record["parameters"] == parameters
    assert record["bytes"] == (card.folder / artifacts.WEIGHTS).stat().st_size
    assert record["sha256"] == artifacts.sha256(card.folder / artifacts.WEIGHTS)
    assert {"data", "images_seen", "steps", "seconds", "hardware", "versions", "seed"} <= set(record["provenance"])
    tensors = artifacts.read_weights(card.folder)
    assert {t.dtype.name for t in tensors.values() if t.ndim > 1} == {"float16"}
    assert {t.dtype.name for t in tensors.values() if t.ndim < 2} == {"float32"}


def test_sizes_stay_within_bounds():
    most = {"generate": 12e6, "classify": 8e6, "upscale": 12e6}
    sizes = {name: artifacts.read_provenance(keras_gans.info(name).folder)["bytes"] for name in PUBLISHED}
    assert all(size <= most[keras_gans.info(name).task] for name, size in sizes.items())
    assert sum(sizes.values()) <= 70e6


@pytest.mark.parametrize("name", [n for n in PUBLISHED if keras_gans.info(n).task == "generate"])
def test_samples_are_seed_0_and_no_two_alike(name):
    model = keras_gans.load(name)
    drawn = model.generate(64, seed=0)
    shown = np.asarray(Image.open(keras_gans.info(name).folder / artifacts.SAMPLES)).astype(int)
    grid = model.samples()
    assert np.abs(shown.reshape(grid.shape) - grid).max() <= 1
    flat = drawn.reshape(64, -1).astype("float32")
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2) + np.eye(64) * 1e9
    typical = np.median(distance[distance < 1e9])
    assert distance.min() > typical / 10


def test_a_digit_asked_for_is_the_digit_drawn(reader):
    gan = keras_gans.load("dcgan_mnist_conditional")
    asked = np.arange(1000) % 10
    read = reader.classify(gan.generate(1000, labels=asked))
    assert (read == asked).mean() >= 0.95
    assert (reader.classify(gan.generate(50, labels=7)) == 7).mean() >= 0.9


def test_all_ten_digits_come_up(reader):
    read = reader.classify(keras_gans.load("dcgan_mnist").generate(2000))
    assert np.bincount(read, minlength=10).min() >= 0.04 * 2000  # 5 % in 10,000: benchmarks/digits.py


@pytest.mark.slow
def test_fine_tuning_moves_the_model(reader):
    sevens = keras_gans.load("dcgan_mnist_conditional").generate(2000, seed=1, labels=7)
    gan = keras_gans.load("dcgan_mnist")
    assert (reader.classify(gan.generate(500)) == 7).mean() < 0.3
    gan.compile()
    gan.fit(sevens, epochs=3, verbose=0)
    assert (reader.classify(gan.generate(500)) == 7).mean() >= 0.8


@pytest.mark.parametrize("name", [name for name in PUBLISHED if keras_gans.info(name).protocol])
def test_what_a_model_is_measured_against_travels_with_it(name):
    """So that evaluating it needs no data set; the statistics are of the features that ship, in their version."""
    asked = keras_gans.info(name).protocol
    side = evaluation.shipped(keras_gans.feature_extractor(asked["features"]), asked["source"], asked["split"])
    assert side is not None
    assert side.identity == f"{asked['source'].removeprefix('tfds:')} {asked['split']}"
    assert side.n >= len(side.rows) >= 800


@pytest.mark.parametrize("name", PUBLISHED)
def test_recorded_scores_are_of_these_weights_and_this_protocol(name):
    card = keras_gans.info(name)
    if not (card.folder / artifacts.SCORES).is_file():
        pytest.skip("nothing was recorded yet")
    found = artifacts.read_json(card.folder / artifacts.SCORES)
    assert (found["version"], found["sha256"]) == (card.version, artifacts.read_provenance(card.folder)["sha256"])
    scores = [metrics.Score.from_dict(score) for score in found["scores"]]
    assert len({score.protocol for score in scores}) == len(scores)
    for score in scores:
        assert score.protocol.startswith(f"{score.metric}[")
        assert score.interval is None or score.interval[0] <= score.value <= score.interval[1]


def test_a_recorded_score_is_what_is_measured():
    """At a tenth of the samples, within what fewer samples do: the protocol says so, and the numbers are alike."""
    recorded = artifacts.read_json(keras_gans.info("dcgan_mnist_conditional").folder / artifacts.SCORES)["scores"]
    accuracy = next(score["value"] for score in recorded if score["metric"] == "accuracy")
    (found,) = keras_gans.evaluate("dcgan_mnist_conditional", "accuracy", n=1000, seeds=1)
    assert found.value == pytest.approx(accuracy, abs=0.012)  # four standard errors of a share of 1,000
    (fid,) = keras_gans.evaluate("dcgan_mnist_conditional", "fid", n=1000, seeds=1)
    assert 2.5 < fid.value < 8  # 2.6 with 10,000: fewer samples, more distance


def test_what_is_near_to_training_images_is_stated():
    root = Path(__file__).resolve().parents[1]
    measured = json.loads((root / "benchmarks" / "results" / "memorization.json").read_text())
    coloured = [name for name in PUBLISHED if keras_gans.info(name).architecture.get("channels") == 3]
    drawing = [name for name in coloured if keras_gans.info(name).task == "generate"]
    assert set(drawing) == set(measured)
    for name, found in measured.items():
        card = keras_gans.info(name)
        assert found["version"] == card.version
        pixels, features = found["closer_by_pixels_per_cent"], found["closer_by_features_per_cent"]
        said = f"Of {found['samples']:,} samples {pixels} % by pixels and {features} % by the discriminator's features"
        assert any(limit.startswith(said) for limit in card.limits)
        assert (root / "docs" / "images" / f"nearest_{name}.png").is_file()
