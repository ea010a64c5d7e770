"""The cache: what fills it, what lies in it, what is cleared."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from keras_gans import artifacts
from keras_gans.artifacts import (
    DownloadError,
    KerasGansError,
    OfflineError,
    UnknownModelError,
    WeightsCorruptedError,
)
from keras_gans.zoo import download, registry, transfer, weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0.001)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def cached_name(models, name="toy_digits", version=1):
    return f"models/{name}/{version}-{artifacts.read_provenance(models / name)['sha256'][:16]}.safetensors"


# ---- settings ----


def test_where_the_cache_is(tmp_path, monkeypatch):
    assert download.cache_dir() == tmp_path / "cache"
    assert download.cache_dir(tmp_path / "other") == tmp_path / "other"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_GANS_HOME", "~/mine")
    assert download.cache_dir() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    assert download.cache_dir("here") == tmp_path / "here"
    monkeypatch.setenv("KERAS_GANS_HOME", "")
    assert download.cache_dir().name == "keras_gans"
    monkeypatch.setenv("KERAS_GANS_HOME", "~nobody_by_that_name/x")
    with pytest.raises(DownloadError, match="set KERAS_GANS_HOME"):
        download.cache_dir()


def test_mirrors_in_order(monkeypatch):
    assert download.mirrors() == []
    monkeypatch.setenv("KERAS_GANS_MIRROR", " https://a.example/x , ,/b, c")
    assert download.mirrors() == ["https://a.example/x", "/b", "c"]


# ---- download ----


def test_download_takes_the_shipped_copy_and_then_nothing_more(publish, cache, serve, monkeypatch):
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    assert path == cache / cached_name(models)
    assert path.read_bytes() == (models / "toy_digits" / artifacts.WEIGHTS).read_bytes()
    server = serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    assert download.download("toy_digits", folder=models) == path
    assert server.paths == []
    assert [name for name in files(cache) if not name.startswith("locks/")] == [cached_name(models)]


def test_download_asks_mirrors_first_and_in_order(publish, cache, serve, monkeypatch, tmp_path, caplog):
    models, _ = publish()
    missing, good, unasked = serve(tmp_path / "nothing"), serve(models), serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", f"{missing.url},{good.url},{unasked.url}")
    came = []
    path = download.download("toy_digits", folder=models, progress=came.append)
    assert [len(server.paths) for server in (missing, good, unasked)] == [1, 1, 0]
    assert came[-1] == path.stat().st_size
    assert came.count(0) == 2  # at the mirror that has nothing, too
    assert [record.levelno for record in caplog.records if record.name == "keras_gans"] == [logging.WARNING]
    assert "HTTP 404" in caplog.text


def test_a_corrupt_file_is_replaced(publish, cache, caplog):
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"x")
    assert download.download("toy_digits", folder=models).read_bytes() == good
    assert "was corrupt" in caplog.text


def test_discard_looks_again_once_it_has_the_lock(publish):
    """Another process may have put a sound file there meanwhile: that one stays."""
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    record = artifacts.read_provenance(models / "toy_digits")
    download.discard(path, record)
    assert path.exists()
    path.write_bytes(b"bad")
    download.discard(path, record)
    assert not path.exists()


def test_no_source_has_it(publish, monkeypatch, tmp_path):
    models, _ = publish()
    (models / "toy_digits" / artifacts.WEIGHTS).unlink()
    with pytest.raises(DownloadError, match=r"toy_digits.*No such file.*KERAS_GANS_MIRROR"):
        download.download("toy_digits", folder=models)
    with pytest.raises(OfflineError, match=r"network is off.*keras-gans download toy_digits"):
        download.download("toy_digits", folder=models, offline=True)


def test_names_that_cannot_be_downloaded(publish, cache):
    models, _ = publish(status="recipe")
    with pytest.raises(KerasGansError, match=r"keras-gans train toy_digits.*weights=False"):
        download.download("toy_digits", folder=models)
    for name in ("toy_digit", "../toy_digits", "", None):
        with pytest.raises(UnknownModelError):
            download.download(name, folder=models)
    assert not cache.exists()


def test_a_cache_that_is_a_file(publish, tmp_path, cache):
    models, _ = publish()
    cache.write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot be used.*set KERAS_GANS_HOME"):
        download.download("toy_digits", folder=models)
    assert cache.read_text() == "a file"


def run(code, *arguments, **environment):
    """Runs Python in a process of its own and returns what it printed."""
    environment = {**os.environ, **environment}
    command = [sys.executable, "-B", "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment).stdout


def test_a_full_disk_is_one_sentence(publish, cache):
    """A limit on the size of files stops the write midway, as a full disk does."""
    pytest.importorskip("resource")
    models, _ = publish()
    code = (
        "import resource, sys; from keras_gans.zoo import download\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try: download.download('toy_digits', folder=sys.argv[1])\n"
        "except download.DownloadError as error: print(error)"
    )
    assert "cannot be used (File too large)" in run(code, models)
    assert [name for name in files(cache) if not name.startswith("locks/")] == []


def test_a_file_that_is_there_needs_no_lock(publish, cache):
    """As in a cache that can only be read: the locks folder cannot be made, and is not asked for."""
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    for lock in (cache / "locks").iterdir():
        lock.unlink()
    (cache / "locks").rmdir()
    (cache / "locks").write_text("in the way")
    assert download.download("toy_digits", folder=models) == path


# ---- many at once, and killed ----


def test_many_at_once_download_once(publish, serve, monkeypatch):
    models, _ = publish()
    server = serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    paths, barrier = [], threading.Barrier(8)

    def work():
        barrier.wait()
        paths.append(download.download("toy_digits", folder=models))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 8
    assert len(set(paths)) == 1
    assert len(server.paths) == 1


def test_partials_of_other_files_are_left_for_an_hour(publish, cache):
    models, _ = publish()
    folder = cache / "models" / "toy_digits"
    folder.mkdir(parents=True)
    old, young = folder / ".9-old.aa.partial", folder / ".9-young.bb.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * download.STALE,) * 2)
    download.download("toy_digits", folder=models)
    assert not old.exists()
    assert young.exists()


# ---- list, verify, clear ----


def test_list_verify_and_clear(publish, cache):
    assert (download.cache_list(), download.cache_verify(), download.cache_clear()) == ([], [], 0)
    publish("second", seed=2)
    models, _ = publish()
    one, two = (download.download(name, folder=models) for name in ("second", "toy_digits"))
    assert download.cache_list() == [
        ("second", one, one.stat().st_size),
        ("toy_digits", two, two.stat().st_size),
    ]
    assert download.cache_verify() == [(one, True), (two, True)]
    one.write_bytes(one.read_bytes()[::-1])
    assert download.cache_verify() == [(one, False), (two, True)]
    assert download.cache_clear(["second"]) == two.stat().st_size  # both are of one size
    assert [entry.name for entry in download.cache_list()] == ["toy_digits"]
    assert download.cache_clear(["never_cached"]) == 0
    assert download.cache_clear() == (models / "toy_digits" / artifacts.WEIGHTS).stat().st_size
    assert list((cache / "models").iterdir()) == []


def test_new_versions_lie_beside_old_ones(publish, cache):
    models, _ = publish()
    first = download.download("toy_digits", folder=models)
    publish(seed=1, version=2)
    second = download.download("toy_digits", folder=models)
    assert second == cache / cached_name(models, version=2) != first
    assert download.cache_verify() == [(first, True), (second, True)]


def test_clear_touches_only_what_is_ours(publish, cache):
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    others = [
        cache / "thesis.safetensors",
        cache / "models" / "thesis.safetensors",
        cache / "models" / "toy_digits" / "mine.safetensors",
        cache / "models" / "toy_digits" / ".notes.0123.partial",
        cache / "models" / "My Models" / path.name,
        cache / "keras_gans_hub" / "notes.txt",
    ]
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(b"mine")
    left = path.with_name(f".{path.name}.0123.partial")
    left.write_bytes(b"half")
    blob = cache / "keras_gans_hub" / "models--user--repo" / "blobs" / "x"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"12345")
    size = path.stat().st_size
    assert [entry.path for entry in download.cache_list()] == [path]
    assert download.cache_clear() == size + 5
    assert not path.exists()
    assert not left.exists()
    assert not blob.parent.parent.exists()
    assert all(other.read_bytes() == b"mine" for other in others)


def test_clear_refuses_what_is_no_name(publish, cache):
    models, _ = publish()
    path = download.download("toy_digits", folder=models)
    for names in (["toy_digits", "../.."], [""], ["*"]):
        with pytest.raises(UnknownModelError):
            download.cache_clear(names)
    assert path.exists()


# ---- the hub ----


def test_the_hub_needs_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # what Python does for a module that is not there
    with pytest.raises(KerasGansError, match=r"pip install 'keras_gans\[hub\]'"):
        registry.find("hf://user/repo@main")


def test_the_hub_offline(publish, cache, card_dict, same):
    """What was fetched before is read like any folder, hash and all; what was not is an OfflineError."""
    pytest.importorskip("huggingface_hub")
    with pytest.raises(OfflineError, match="hf://user/repo"):
        registry.find("hf://user/repo@main", offline=True)

    repository = cache / "keras_gans_hub" / "models--user--repo"  # as huggingface_hub lays it out
    commit = "0123456789abcdef0123456789abcdef01234567"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    _, tensors = publish("toy_digits", root=repository / "made")
    (repository / "snapshots").mkdir()
    (repository / "made" / "toy_digits").rename(repository / "snapshots" / commit)
    card = registry.find("hf://user/repo@main", offline=True)
    assert card.folder == repository / "snapshots" / commit
    same(weights.locate(card), tensors)
    (card.folder / artifacts.WEIGHTS).write_bytes(b"")
    with pytest.raises(WeightsCorruptedError):
        weights.locate(card)
