"""Where a card's tensors come from, and that nothing corrupt ever does."""

import logging
import random

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, KerasGansError, OfflineError, WeightsCorruptedError
from keras_gans.zoo import download, registry, transfer, weights


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0.001)


@pytest.fixture
def without_copy(publish, tmp_path):
    """A card whose weights do not ship, the folder that has them as a mirror, and the tensors."""
    root, tensors = publish()
    copy = root / "toy_digits" / artifacts.WEIGHTS
    mirror = tmp_path / "mirror"
    (mirror / "toy_digits").mkdir(parents=True)
    copy.rename(mirror / "toy_digits" / artifacts.WEIGHTS)
    return registry.info("toy_digits", folder=root), mirror, tensors


def test_the_shipped_copy_needs_no_cache(publish, cache, same):
    models, tensors = publish()
    same(weights.locate(registry.info("toy_digits", folder=models)), tensors)
    assert not cache.exists()


def test_a_cache_hit_asks_nobody(without_copy, serve, monkeypatch, same):
    card, mirror, tensors = without_copy
    server = serve(mirror)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    same(weights.locate(card), tensors)
    assert len(server.paths) == 1
    same(weights.locate(card), tensors)
    same(weights.locate(card, offline=True), tensors)
    assert len(server.paths) == 1


def test_a_mirror_folder(without_copy, cache, monkeypatch, same):
    card, mirror, tensors = without_copy
    monkeypatch.setenv("KERAS_GANS_MIRROR", str(mirror))
    same(weights.locate(card, offline=True), tensors)  # a folder is no network
    assert download.cache_list()[0].path.is_relative_to(cache)


def test_the_cache_folder_may_be_given(without_copy, cache, monkeypatch, tmp_path, same):
    card, mirror, tensors = without_copy
    monkeypatch.setenv("KERAS_GANS_MIRROR", str(mirror))
    same(weights.locate(card, cache_dir=tmp_path / "other"), tensors)
    assert len(download.cache_list(tmp_path / "other")) == 1
    assert not cache.exists()


def test_a_mirror_that_is_down_or_wrong_gives_way(publish, serve, monkeypatch, same, tmp_path, caplog):
    models, tensors = publish()
    card = registry.info("toy_digits", folder=models)
    publish(seed=5, root=tmp_path / "stale")
    stale = serve(tmp_path / "stale")
    monkeypatch.setenv("KERAS_GANS_MIRROR", f"http://127.0.0.1:9,{stale.url}")
    same(weights.locate(card), tensors)  # the shipped copy
    assert len(stale.paths) == 1
    assert "connection failed" in caplog.text
    assert "another sha256" in caplog.text
    good = serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", f"{stale.url},{good.url}")
    same(weights.locate(card), tensors)
    assert len(good.paths) == 1


def test_nowhere(without_copy, monkeypatch, tmp_path):
    card, _, _ = without_copy
    with pytest.raises(DownloadError, match=r"No source had the weights of toy_digits.*KERAS_GANS_MIRROR"):
        weights.locate(card)
    monkeypatch.setenv("KERAS_GANS_MIRROR", str(tmp_path / "empty"))
    with pytest.raises(DownloadError, match="No such file"):
        weights.locate(card)


def test_offline_leaves_servers_alone(without_copy, serve, monkeypatch, caplog):
    card, mirror, _ = without_copy
    server = serve(mirror)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    with pytest.raises(OfflineError, match="Run `keras-gans download toy_digits`"):
        weights.locate(card)
    assert server.paths == []
    assert caplog.text == ""


def test_a_corrupt_cached_file_is_replaced(without_copy, serve, monkeypatch, same, caplog):
    card, mirror, tensors = without_copy
    server = serve(mirror)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    weights.locate(card)
    path = download.cache_list()[0].path
    good = path.read_bytes()
    for bad in (good[:-1], b"", good[:-1] + bytes([good[-1] ^ 1]), good + b"\0"):
        path.write_bytes(bad)
        caplog.clear()
        same(weights.locate(card), tensors)
        assert path.read_bytes() == good
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "was corrupt" in caplog.text
    assert len(server.paths) == 5


def test_the_cache_never_keeps_a_bad_file(publish, same, cache):
    """With no mirror to mend it the file goes, and the shipped copy is what loads."""
    models, tensors = publish()
    card = registry.info("toy_digits", folder=models)
    path = download.download("toy_digits", folder=models)
    good = path.read_bytes()
    generator = random.Random(1)
    for _ in range(50):
        bad = bytearray(good)
        bad[generator.randrange(len(good))] ^= 1 << generator.randrange(8)
        path.write_bytes(bad)
        same(weights.locate(card), tensors)
        assert not path.exists()


def test_a_cache_that_cannot_be_used_is_no_reason_to_fail(publish, cache, serve, monkeypatch, same, caplog):
    models, tensors = publish()
    card = registry.info("toy_digits", folder=models)
    cache.write_text("a file")
    monkeypatch.setenv("KERAS_GANS_MIRROR", serve(models).url)
    same(weights.locate(card), tensors)
    assert "cannot be used" in caplog.text
    monkeypatch.setenv("KERAS_GANS_HOME", "~nobody_by_that_name/x")
    same(weights.locate(card), tensors)
    assert "set KERAS_GANS_HOME" in caplog.text


def test_a_corrupt_shipped_copy_is_refused(publish):
    models, _ = publish()
    path = models / "toy_digits" / artifacts.WEIGHTS
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(WeightsCorruptedError, match="sha256"):
        weights.locate(registry.info("toy_digits", folder=models))


def test_a_users_folder_is_read_from_that_folder_alone(publish, serve, monkeypatch, cache, same):
    """Not even when it bears a published name: its weights are its own."""
    models, tensors = publish()
    server = serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    card = registry.find(models / "toy_digits")
    same(weights.locate(card), tensors)
    assert server.paths == []
    assert not cache.exists()
    (models / "toy_digits" / artifacts.WEIGHTS).unlink()
    with pytest.raises(WeightsCorruptedError, match="could not be read"):
        weights.locate(card)


def test_a_recipe_has_no_weights_and_says_what_to_do(publish):
    models, _ = publish(status="recipe")
    card = registry.info("toy_digits", folder=models)
    with pytest.raises(KerasGansError, match=r"keras-gans train toy_digits.*load\('toy_digits', weights=False\)"):
        weights.locate(card)


def test_weights_that_saw_other_data_say_so_once(publish, caplog):
    sentence = "These weights saw 10,000 of LSUN's 3 million bedrooms."
    data = {"source": "lsun", "split": "train", "seen": "10,000", "other_than_name": sentence}
    models, _ = publish(data=data)
    weights.locate(registry.info("toy_digits", folder=models))
    assert [record.getMessage() for record in caplog.records] == [f"toy_digits: {sentence}"]
