"""What `evaluate` asks the metrics for: what has to hold is looked at first, and the protocols hold what moves them."""

import re

import numpy as np
import pytest

import keras_gans
from keras_gans import data, metrics
from keras_gans.api import evaluation, measures
from keras_gans.artifacts import MetricError
from keras_gans.metrics.sources import open_source
from toy_extractor import SHAPE, Means


class Silent:
    """A model that must not draw."""

    image_shape, latent, prior, name = SHAPE, 4, "uniform", "silent"

    def __init__(self, num_classes=3, shape=SHAPE):
        self.num_classes, self.image_shape = num_classes, shape

    def generate(self, **options):
        raise AssertionError("it was drawn before all was known to fit")


@pytest.fixture
def real(rng):
    return rng.integers(0, 256, (60, *SHAPE), dtype="uint8"), np.arange(60) % 3


def _subject(fake, real, n=None, extractor=None, progress=None, splits=None):
    """A `Subject` against these images, or against others by split."""
    extractor, found = extractor or Means(), {}

    def images(split):
        return found.setdefault(split, data.load((splits or {}).get(split, real)))

    pixels = real[0] if isinstance(real, tuple) else real
    return measures.Subject(fake, n, extractor, lambda: metrics.reference(pixels, extractor), images, 16, progress)


def _run(name, subject, seeds=1):
    return evaluation._over_seeds([measures.MEASURES[name]], subject, seeds)


WRONG = {
    "fid": (lambda real: _subject(Silent(), real, 8), "more than 8 images a side, and 8 came"),
    "fid of few real": (lambda real: _subject(Silent(), (real[0][:8], real[1][:8]), 50), "8 images a side, and 8 came"),
    "kid": (lambda real: _subject(Silent(), real, 1), "at least 2 images a side, and 1 came"),
    "prdc": (lambda real: _subject(Silent(), real, 5), "At least 6 rows of features were wanted on each side, and 5"),
    "support": (lambda real: _subject(Silent(), real, 1), "At least 2 samples were wanted, and 1 came"),
    "is": (lambda real: _subject(Silent(), real, 9), "at least one image for each of 10 splits, and 9 came"),
    "is of pixels": (lambda real: _subject(Silent(), real, 90, metrics.Pixels()), "pixels has no probabilities"),
    "accuracy": (lambda real: _subject(Silent(None), real, 9), "accuracy takes a class-conditional model, and silent"),
    "accuracy of images": (
        lambda real: _subject(real[0], real),
        "accuracy takes a class-conditional model, and images",
    ),
    "accuracy by pixels": (lambda real: _subject(Silent(), real, 9, metrics.Pixels()), "pixels has no probabilities"),
    "swd": (lambda real: _subject(Silent(shape=(28, 28, 1)), real, 9), r"a side of 16, 32, 64, \.\.\., and 28x28 came"),
    "swd of others": (lambda real: _subject(Silent(shape=(64, 64, 1)), real, 9), "Two sets of images of one shape"),
    "parzen": (lambda real: _subject(Silent(), real, 9), "other real images than it tests"),
    "cas": (lambda real: _subject(Silent(None), real, 200), "cas takes a class-conditional model, and silent"),
    "cas of few": (lambda real: _subject(Silent(), real, 99), "at least 100 samples to learn from, and 99 came"),
    "cas without labels": (lambda real: _subject(Silent(), real[0], 200), "cas takes real images with labels"),
    "cas of one class": (lambda real: _subject(Silent(), (real[0], 0 * real[1]), 200), "of at least two classes"),
    "one_nn": (lambda real: _subject(Silent(None), real, 9), "one_nn takes a class-conditional model, and silent"),
    "one_nn without labels": (lambda real: _subject(Silent(), real[0], 9), "one_nn takes real images with labels"),
    "one_nn of others": (lambda real: _subject(Silent(shape=(64, 64, 1)), real, 9), "Two sets of images of one shape"),
    "ms_ssim": (lambda real: _subject(Silent(), real, 1), "At least 2 images were wanted, and 1 was asked for"),
    "ms_ssim of specks": (
        lambda real: _subject(Silent(shape=(8, 8, 1)), real, 9),
        "at least 11 x 11 pixels, and 8 x 8",
    ),
    "memorized": (lambda real: _subject(Silent(), (real[0][:1], real[1][:1]), 9), "At least 2 training images"),
    "memorized of others": (
        lambda real: _subject(Silent(shape=(64, 64, 1)), real, 9),
        "Two sets of images of one shape",
    ),
    "probe": (lambda real: _subject(Silent(), real, 9), "probe is of a model's discriminator, and images came"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_found_before_anything_is_drawn(real, name):
    make, text = WRONG[name]
    subject = make(real)
    with pytest.raises(MetricError, match=text):
        _run(name.split()[0], subject)


def test_no_result_is_lost_to_a_mistake_in_another_metric(real, rng):
    """The wrong one comes last, and the first does not begin."""
    subject = _subject(Silent(None), real, 50)
    with pytest.raises(MetricError, match="one_nn takes a class-conditional model"):
        evaluation._over_seeds([measures.MEASURES[name] for name in ("fid", "kid", "one_nn")], subject, 2)
    assert "side" not in vars(subject), "the real images were gone through for nothing"


def test_every_metric_has_what_has_to_hold():
    assert {name.split()[0] for name in WRONG} == set(measures.MEASURES)


@pytest.fixture(scope="module")
def gan():
    gan = keras_gans.DCGAN(size=32, channels=1, width=2, latent=4, num_classes=3)
    gan.reestimate_statistics(batches=1, batch_size=16)
    return gan


def test_samples_have_their_seed_and_images_none(gan, real):
    for name in set(measures.MEASURES) - {"cas", "parzen", "probe"}:
        for score in _run(name, _subject(gan, real, 20)):
            assert score.seed == 0, name
        for score in _run(name, _subject((real[0][:20], real[1][:20]), real)):
            assert score.seed is None, name


def test_protocols_hold_what_moves_the_number(gan, real):
    here = open_source(real).identity()
    wanted = {
        "kid": [r"kid\[means-v1, 20, images@\w+, 60 real, 100x20\]"],
        "support": [r"support\[means-v1, 20, images@\w+, 60 real, 0\.1 %\]"],
        "swd": [rf"swd\[32x32x1, 20, {here}, 32 patches, 256 directions\]"],
        "ms_ssim": [r"ms_ssim\[32x32x1, 20, 2 scales, 190 pairs\]"],
        "memorized": [rf"memorized\[pixels-32x32x1, 20, {here}, 1 %\]"],
        "one_nn": [rf"one_nn\[pixels-32x32x1, 20, {here}\]"],
        "accuracy": [r"accuracy\[means-v1, 20\]"],
    }
    for name, texts in wanted.items():
        found = _run(name, _subject(gan, real, 20))
        for score, text in zip(found, texts, strict=True):
            assert re.fullmatch(text, score.protocol), score.protocol


def test_parzen_says_which_images_chose_its_width(real, rng):
    splits = {split: rng.integers(0, 256, (20, *SHAPE), dtype="uint8") for split in ("test", "train[-10000:]")}
    (found,) = _run("parzen", _subject(real[0], real, splits=splits))
    tested, chose = (open_source(splits[split]).identity() for split in ("test", "train[-10000:]"))
    assert found.protocol == f"parzen[1024 pixels, 60, {tested}, sigma by 20 of {chose} among 10 in 0.1..1]"


def test_a_probe_says_whose_discriminator_it_is(real):
    gan = keras_gans.DCGAN(size=32, channels=1, width=2, latent=4)
    test = real[0][::-1], real[1][::-1]

    def measured():
        return _run("probe", _subject(gan, real, 20, splits={"test": test}), seeds=3)[0]

    first = measured()
    sides = ", ".join(open_source(side).identity() for side in (real, test))
    rest = f"{sides}, L2-SVM, C by 12 held out among 4 in 1e-06..0.001]"
    assert first.protocol == f"probe[discriminator trained on nothing, {rest}"
    assert first.features_sha256 == metrics.Discriminator(gan).sha256
    gan.seen_since = ["tfds:toys train", "array"]
    assert measured().protocol == f"probe[discriminator trained on toys train, then array, {rest}"
    gan.card = {"data": {"source": "tfds:digits", "split": "train[:90]", "seen": "90 digits"}}
    gan.has_card_weights, gan.seen_since = True, []
    assert measured().protocol.startswith("probe[discriminator trained on digits train[:90], images@")
    gan.card["data"]["source"] = "./here"
    assert measured().protocol.startswith("probe[discriminator trained on 90 digits, images@")


class Guesser:
    """Learns nothing, in as many epochs as are asked for."""

    image_shape = SHAPE

    def __init__(self):
        self.optimizer = self

    def architecture(self):
        return {}

    def get_config(self):
        return {}

    def fit(self, images, labels, epochs, callbacks, **options):
        for epoch in range(epochs):
            for callback in callbacks:
                callback.on_epoch_end(epoch, {})

    def classify(self, images):
        return np.zeros(len(images), int)


@pytest.mark.parametrize("name", ["swd", "memorized", "one_nn", "ms_ssim", "accuracy", "cas", "probe"])
def test_it_says_how_far_it_is(gan, real, name, monkeypatch):
    monkeypatch.setattr(measures, "classifier_for", lambda *given: Guesser())
    told = []
    splits = {"test": (real[0][::-1], real[1][::-1])}  # probe wants others than it learns from
    _run(name, _subject(gan, real, 100, progress=lambda *at: told.append(at), splits=splits))
    assert (16, 100) in told or name == "probe", "nothing was said of the drawing"
    assert told[-1][0] == told[-1][1]
    if name == "cas":
        assert told[-1] == (200_000, 200_000)
    if name == "probe":
        assert told == [(60, 60), (60, 60)]
