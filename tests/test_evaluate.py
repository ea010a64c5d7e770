"""evaluate: models, folders and arrays against real images, with the protocol in every score."""

import http.server
import logging
import re
import threading
import time

import numpy as np
import pytest

import keras_gans
from keras_gans import data, metrics
from keras_gans.api import cost, evaluation, measures, real_images
from keras_gans.artifacts import MetricError
from keras_gans.metrics import sources, statistics


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GANS_HOME", str(tmp_path / "cache"))


@pytest.fixture
def gan():
    gan = keras_gans.DCGAN(size=28, channels=1, width=2, latent=4, num_classes=3)
    gan.reestimate_statistics(batches=1, batch_size=16)
    return gan


@pytest.fixture
def real(rng):
    return rng.integers(0, 256, (60, 28, 28, 1), dtype="uint8")


class Corners:
    """Four numbers of an image, and three classes by them."""

    name, sha256, image_shape = "corners-v1", "c" * 64, (28, 28, 1)

    def features(self, images):
        x = images.astype("float64").reshape(len(images), 2, 14, 2, 14) / 255
        return x.mean((2, 4)).reshape(-1, 4)

    def probabilities(self, images):
        odds = np.exp(8 * self.features(images)[:, :3])
        return odds / odds.sum(1, keepdims=True)


def test_scores_are_means_over_sampling_seeds(gan, real):
    scores = keras_gans.evaluate(gan, "fid,kid,prdc", real, features=Corners(), n=40, seeds=3)
    assert [score.metric for score in scores] == ["fid", "kid", "precision", "recall", "density", "coverage"]
    each = [metrics.frechet_distance(gan, real, Corners(), n=40, seed=s).value for s in range(3)]
    assert scores[0].value == pytest.approx(np.mean(each), rel=1e-6)
    assert scores[0].interval[0] < scores[0].value < scores[0].interval[1]
    assert scores[0].details["seeds"] == 3
    assert scores[0].protocol == f"fid[corners-v1, 40, {sources.open_source(real).identity()}]"
    assert all(score.features_sha256 == "c" * 64 for score in scores)
    direct = metrics.density_coverage(gan, real, Corners(), n=40, seed=0)
    assert direct.coverage.protocol == scores[5].protocol


def test_images_are_measured_once_whatever_they_come_in(tmp_path, real, rng):
    fake = rng.integers(0, 256, (50, 28, 28, 1), dtype="uint8")
    for i, image in enumerate(fake):
        data.save_png(tmp_path / "fake" / f"{i:03}.png", image)
    for i, image in enumerate(real):
        data.save_png(tmp_path / "real" / f"{i:03}.png", image)
    by_arrays = keras_gans.evaluate(fake, ["fid", "kid"], real, features=Corners())
    by_folders = keras_gans.evaluate(tmp_path / "fake", ["fid", "kid"], tmp_path / "real", features=Corners())
    assert [s.value for s in by_folders] == pytest.approx([s.value for s in by_arrays], rel=1e-9)
    assert by_folders[0].interval is None
    assert by_folders[0].protocol.startswith("fid[corners-v1, 50, images@")


def test_the_real_side_is_computed_once_and_kept(gan, real, monkeypatch, tmp_path):
    first = keras_gans.evaluate(gan, "fid", real, features=Corners(), n=30, seeds=1)
    assert len(list((tmp_path / "cache" / "statistics").iterdir())) == 1
    monkeypatch.setattr(statistics, "feature_batches", None)  # what would go through images again
    assert keras_gans.evaluate(gan, "fid", real, features=Corners(), n=30, seeds=1) == first


def test_kept_statistics_that_are_torn_are_made_anew(gan, real, tmp_path, caplog):
    def measure():
        return keras_gans.evaluate(gan, "fid", real, features=Corners(), n=30, seeds=1)

    first = measure()
    (kept,) = (tmp_path / "cache" / "statistics").iterdir()
    whole = kept.read_bytes()
    for torn in (b"", whole[: len(whole) // 2], b"x" * 100):
        kept.write_bytes(torn)
        assert measure() == first
        assert "is damaged: the images are read again" in caplog.text
        assert metrics.Reference.load(kept).n == 60
        caplog.clear()


def test_kept_statistics_have_the_name_of_the_images_at_hand(gan, real):
    """The same images may have come under another name before."""
    scores = [
        keras_gans.evaluate(gan, "fid", data.Images(real, name=name), features=Corners(), n=30, seeds=1)[0]
        for name in ("array", "tfds:toys train", "tfds:others train")
    ]
    hashed = sources.open_source(real).identity()
    assert [score.protocol for score in scores] == [
        f"fid[corners-v1, 30, {name}]" for name in (hashed, "toys train", "others train")
    ]
    assert len({score.value for score in scores}) == 1


def test_statistics_stand_for_the_images(gan, real, tmp_path):
    side = metrics.reference(real, Corners())
    direct = keras_gans.evaluate(gan, "fid", real, features=Corners(), n=30, seeds=1)
    for name in ("real.stats.safetensors", "real.safetensors", "real", "real.zip"):
        side.save(tmp_path / name)
        assert keras_gans.evaluate(gan, "fid", tmp_path / name, features=Corners(), n=30, seeds=1) == direct
    assert keras_gans.evaluate(gan, "fid", side, features=Corners(), n=30, seeds=1) == direct
    with pytest.raises(MetricError, match="only their statistics are at hand"):
        keras_gans.evaluate(gan, "memorized", side, n=30, seeds=1)


def test_samples_are_drawn_once_a_seed_for_all_that_look_at_them(gan, real, monkeypatch):
    drawn = []
    generate = gan.generate
    monkeypatch.setattr(gan, "generate", lambda **options: drawn.append(len(options["latents"])) or generate(**options))
    keras_gans.evaluate(gan, "fid,kid,prdc", real, features=Corners(), n=30, seeds=3, batch_size=30)
    assert drawn == [30] * (2 + 3)  # two to say the cost


def test_the_cost_is_said_before_it_starts(gan, real, caplog):
    with caplog.at_level(logging.INFO, "keras_gans"):
        keras_gans.evaluate(gan, "fid", real, features=Corners(), n=30, seeds=2)
    assert re.search(r"fid: 2 x 30 samples and 60 real ones, about \d s$", caplog.text, re.MULTILINE)
    caplog.clear()
    labelled = real, np.arange(60) % 3
    names = [name for name in measures.MEASURES if name not in ("parzen", "probe", "cas", "swd")]  # two ask for splits
    with caplog.at_level(logging.INFO, "keras_gans"):
        keras_gans.evaluate(gan, names, labelled, features=Corners(), n=30, seeds=2)
    assert re.search(rf"{', '.join(names)}: 2 x 30 samples and 60 real ones, about \d s$", caplog.text, re.MULTILINE)
    assert set(cost.COSTS) == set(measures.MEASURES)


def test_the_cost_of_images_is_said_too(tmp_path, real, caplog):
    for i, image in enumerate(real):
        data.save_png(tmp_path / "real" / f"{i:03}.png", image)
    with caplog.at_level(logging.INFO, "keras_gans"):
        keras_gans.evaluate(real[:40], "fid,ms_ssim", tmp_path / "real", features=Corners())
        keras_gans.evaluate(tmp_path / "real", "ms_ssim")
    assert "fid, ms_ssim: 40 images and 60 real ones, about " in caplog.text
    assert "ms_ssim: 60 images, about " in caplog.text


def test_the_cost_of_upscaling_is_that_of_all_pixels(tmp_path, rng):
    for i in range(3):
        data.save_png(tmp_path / "HR" / f"{i}.png", rng.integers(0, 256, (96, 192, 3), dtype="uint8"))
        data.save_png(tmp_path / "LRx2" / f"{i}.png", rng.integers(0, 256, (48, 96, 3), dtype="uint8"))

    class Doubles:
        scale = 2

        def upscale(self, image):
            time.sleep(0.2)
            return image.repeat(2, 0).repeat(2, 1)

    said = cost.said_of_pairs(Doubles(), tmp_path, ["psnr"])  # of twice 48 x 48 pixels each
    assert re.fullmatch("psnr: 3 images, about [12] s", said)


class Slow(Corners):
    """Takes a hundredth of a second an image."""

    name = "slow"

    def features(self, images):
        time.sleep(0.01 * len(images))
        return super().features(images)


def test_the_cost_is_that_of_all_that_will_be_drawn_and_read(gan, real, monkeypatch):
    """5 seeds of 1,000 samples and 60 real images take 51 s, and the metric itself nothing."""
    monkeypatch.setattr(
        gan, "generate", lambda latents, labels, batch_size: np.zeros((len(latents), 28, 28, 1), "uint8")
    )
    side = real_images.RealSide(real, Slow(), {})
    subject = measures.Subject(gan, 1000, Slow(), lambda: side.reference, None, 20, None)
    assert cost.seconds(cost.Paces(subject, side.unread()), ["fid"], 5) == pytest.approx(51, abs=4)
    assert cost.seconds(cost.Paces(subject, None), ["fid", "support"], 1) == pytest.approx(10, abs=2)
    assert cost.duration(51) == "51 s"
    assert cost.duration(300) == "5 min"


def test_other_metrics(gan, rng, tmp_path, monkeypatch):
    x, y = rng.integers(0, 256, (40, 32, 32, 1), dtype="uint8"), np.arange(40) % 3
    np.savez(tmp_path / "real.npz", images=x, labels=y)
    scores = keras_gans.evaluate(
        gan, ["is", "accuracy", "one_nn", "memorized"], tmp_path / "real.npz", features=Corners(), n=30, seeds=1
    )
    assert [score.metric for score in scores] == ["is", "accuracy", "one_nn", "memorized"]
    drawn = gan.generate(30)
    assert scores[1].value == np.mean(Corners().probabilities(drawn).argmax(1) == np.arange(30) % 3)
    expected = metrics.one_nearest_neighbour((drawn, np.arange(30) % 3), (data.resize(x, 28, 1), y))
    assert scores[2].value == expected.value
    with pytest.raises(MetricError, match="other real images than it tests"):
        keras_gans.evaluate(gan, "parzen", tmp_path / "real.npz", n=30, seeds=1)
    with pytest.raises(MetricError, match="probe tests on other real images than it learns from"):
        keras_gans.evaluate(gan, "probe", tmp_path / "real.npz", seeds=3)
    for i, image in enumerate(x):
        data.save_png(tmp_path / "split" / ("train", "test")[i % 2] / str(y[i]) / f"{i:03d}.png", image)
    (probe,) = keras_gans.evaluate(gan, "probe", tmp_path / "split", seeds=3)
    sides = [data.load(tmp_path / "split", split=split, size=28, channels=1) for split in ("train", "test")]
    train, test = ((gan.features(side.without_labels()), side.labels) for side in sides)
    assert probe.value == metrics.probe(train, test).value
    few = metrics.reference(x[:, 2:30, 2:30], Corners())
    support, likeness = keras_gans.evaluate(gan, ["support", "ms_ssim"], few, features=Corners(), n=50, seeds=1)
    assert support.value >= support.interval[0] > 0
    assert 0 < likeness.value <= 1
    assert likeness.value == metrics.diversity(gan.generate(50), seed=0).value
    wide = keras_gans.DCGAN(size=32, channels=1, width=2, latent=4)
    (swd,) = keras_gans.evaluate(wide, "swd", tmp_path / "real.npz", n=20, seeds=1)
    assert swd.n_fake == swd.n_real == 20
    assert set(swd.details) >= {"level_32", "level_16"}


def test_images_in_an_order_are_not_judged_by_the_first_of_them(rng):
    """Of two kinds, one after the other, as a folder of classes has them."""
    dark, light = (rng.integers(low, low + 90, (60, 28, 28, 1), dtype="uint8") for low in (0, 160))
    real = np.concatenate([dark, light])
    samples = np.concatenate([dark[:, ::-1], light[:, ::-1]])
    side = metrics.reference(real, Corners(), kept=60)
    scores = {s.metric: s.value for s in keras_gans.evaluate(samples, "prdc", side, features=Corners())}
    assert scores["coverage"] > 0.8
    assert scores["recall"] > 0.5


def test_what_is_read_at_any_size_is_brought_to_the_models(gan, rng):
    class Anything(Corners):
        name, image_shape = "anything-v1", None

        def features(self, images):
            seen.append(images.shape[1:])
            return np.stack([images.mean((1, 2, 3)), images.std((1, 2, 3))], axis=1)

    seen = []
    real = data.Images(rng.integers(0, 256, (40, 28, 28, 1), dtype="uint8"), name="tfds:toys train")
    (score,) = keras_gans.evaluate(gan, "fid", real, features=Anything(), n=30, seeds=1)
    assert set(seen) == {(28, 28, 1)}
    assert score.protocol == "fid[anything-v1, 30, toys train at 28x28]"


def test_statistics_of_what_has_no_hash_are_not_kept(gan, real):
    class Mine(Corners):
        name, sha256 = "mine-v1", None

        def __init__(self, scale):
            self.scale = scale

        def features(self, images):
            return self.scale * super().features(images)

    for scale in (1.0, 2.0):
        (score,) = keras_gans.evaluate(real, "fid", real, features=Mine(scale))
        assert score.value == pytest.approx(0, abs=1e-9)


def test_the_split_that_is_asked_for_is_taken(gan, monkeypatch):
    asked = {"source": "tfds:toys", "split": "test"}
    for given, split in ((None, "test"), ("train", "train")):
        assert real_images._chosen(None, asked, given) == ("tfds:toys", split)
    assert real_images._chosen("tfds:others", asked, None) == ("tfds:others", "train")


def test_real_images_are_opened_once_for_all_seeds(gan, rng, monkeypatch):
    opened = []
    load = data.load
    monkeypatch.setattr(data, "load", lambda source, **options: opened.append(source) or load(source, **options))
    real = rng.integers(0, 256, (40, 28, 28, 1), dtype="uint8"), np.arange(40) % 3
    keras_gans.evaluate(gan, ["one_nn", "memorized"], real, n=30, seeds=3)
    assert sum(source is real for source in opened) == 2  # one for each of the splits that these look at


class _Server(http.server.ThreadingHTTPServer):
    """Serves b"no network" at /good.pb and nothing else; counts what was asked for."""

    def __init__(self):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                found = self.path == "/good.pb"
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(b"no network" if found else b"")

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


def test_weights_of_a_url_are_fetched_once_and_errors_are_one_sentence(monkeypatch):
    with _Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for _ in range(2):  # it comes, and is no graph: the network says so
            with pytest.raises(keras_gans.KerasGansError, match=r"good\.pb"):
                keras_gans.feature_extractor("inception2015", weights=f"{url}/good.pb")
        assert server.asked == ["/good.pb"]
        with pytest.raises(keras_gans.DownloadError, match=r"missing\.pb could not be fetched"):
            keras_gans.feature_extractor("inception2015", weights=f"{url}/missing.pb")
        monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
        with pytest.raises(keras_gans.OfflineError, match=r"other\.pb is not in the cache"):
            keras_gans.feature_extractor("inception2015", weights=f"{url}/other.pb")
        server.shutdown()


def test_what_cannot_be_measured_is_one_sentence(gan, real):
    with pytest.raises(MetricError, match=r"Metrics are fid, kid, .* and 'fidd' came"):
        keras_gans.evaluate(gan, "fidd", real)
    with pytest.raises(MetricError, match="card names none: say which features, lenet_mnist for digits, or pixels"):
        keras_gans.evaluate(gan, "fid", real)
    with pytest.raises(MetricError, match="Real images to compare with were wanted"):
        keras_gans.evaluate(gan, "fid", features=Corners(), n=30)
    with pytest.raises(MetricError, match="seeds is how many"):
        keras_gans.evaluate(gan, "fid", real, seeds=0)
    with pytest.raises(MetricError, match="lenet_mnist draws nothing"):
        keras_gans.evaluate("lenet_mnist", "fid", real)
    with pytest.raises(keras_gans.UnknownModelError):
        keras_gans.evaluate("no_such_model", "fid", real)
    unconditional = keras_gans.DCGAN(size=28, channels=1, width=2, latent=4)
    with pytest.raises(MetricError, match="accuracy takes a class-conditional model"):
        keras_gans.evaluate(unconditional, "accuracy", real, features=Corners(), n=10, seeds=1)


def test_extractors_by_name(gan, monkeypatch):
    monkeypatch.delenv("KERAS_GANS_INCEPTION2015", raising=False)
    reader = keras_gans.feature_extractor("lenet_mnist")
    assert reader.name == "lenet_mnist-v1"
    drawn = gan.generate(3)
    assert reader.features(drawn).shape == (3, 128)
    np.testing.assert_allclose(reader.probabilities(drawn).sum(1), 1, rtol=1e-5)
    assert keras_gans.feature_extractor("discriminator", model=gan).name.startswith("discriminator-")
    assert keras_gans.feature_extractor("pixels").features(drawn).shape == (3, 784)
    for name, match in (
        ("discriminator", "give it, as in model=gan"),
        ("inception2015", "needs its weights, which are not ours to ship"),
        ("dcgan_mnist", "dcgan_mnist is none that has them"),
    ):
        with pytest.raises(MetricError, match=match):
            keras_gans.feature_extractor(name)


def test_a_discriminators_own_features_go_by_name(gan, real):
    (score,) = keras_gans.evaluate(gan, "kid", real, features="discriminator", n=30, seeds=1)
    expected = metrics.kernel_distance(gan, real, metrics.Discriminator(gan), n=30)
    assert score.value == pytest.approx(expected.value, rel=1e-5)
    assert score.protocol.startswith("kid[discriminator-")
    with pytest.raises(MetricError, match="of a discriminator are of a model, and images came: measure a model"):
        keras_gans.evaluate(real, "kid", real, features="discriminator")


def test_every_measure_is_documented():
    for name in measures.MEASURES:
        assert f'"{name}"' in evaluation.evaluate.__doc__


def test_images_whose_statistics_ship_are_known_by_name(rng, monkeypatch, tmp_path):
    """A folder of one's own compares with the zoo's models, without the data set."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    fake = rng.integers(0, 255, (200, 28, 28, 1), dtype="uint8")
    (score,) = keras_gans.evaluate(fake, "kid", against="tfds:mnist", features="lenet_mnist")
    assert (score.n_real, score.n_fake) == (60_000, 200)
    assert score.protocol == "kid[lenet_mnist-v1, 200, mnist train, 5k real, 100x200]"
