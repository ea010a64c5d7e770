"""generate_to: the pictures of `generate` on disk, whole or not there, however often it was stopped and by how many."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import filelock
import numpy as np
import pytest
import tensorflow as tf

import keras_gans
from keras_gans import data, models
from keras_gans.training import drawing, on_disk

ROOT = Path(__file__).resolve().parents[2]
N = 150  # of batches of 16 more than are drawn without a compiled graph


def lively(model):
    """With weights so large that pictures differ plainly."""
    rng = np.random.default_rng(0)
    for v in model.generator.trainable_variables:
        if len(v.shape) > 1:
            v.assign(rng.normal(0, 2 / np.sqrt(np.prod(v.shape[:-1])), v.shape))
    return model


@pytest.fixture(scope="module")
def gan():
    return lively(models.DCGAN(size=28, channels=1, width=2, latent=4))


@pytest.fixture(scope="module")
def drawn(gan):
    return gan.generate(N, batch_size=16)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(gan, path="a.npy", n=N, **arguments):
    return gan.generate_to(path, n, **{"batch_size": 16, **arguments})


def names():
    return sorted(path.name for path in Path().iterdir())


def stop_after(count):
    """A `progress` that raises once so many pictures are drawn."""

    def progress(done, total):
        if done >= count:
            raise KeyboardInterrupt

    return progress


def stopped(gan, path="a.npy", count=64, **arguments):
    with pytest.raises(KeyboardInterrupt):
        write(gan, path, progress=stop_after(count), **arguments)


# --- what is written ------------------------------------------------------------------------------------


def test_an_array_of_what_generate_draws(gan, drawn):
    assert write(gan) is True
    np.testing.assert_array_equal(np.load("a.npy"), drawn)
    assert names() == ["a.npy", "a.npy.json"]
    about = json.loads(Path("a.npy.json").read_text())["about"]
    assert {key: about[key] for key in ("n", "seed", "batch_size")} == {"n": N, "seed": 0, "batch_size": 16}
    np.testing.assert_array_equal(data.load("a.npy").images, drawn)


def test_a_folder_of_what_generate_draws(gan, drawn):
    assert write(gan, "pictures") is True
    assert names() == ["pictures"]
    assert sorted(os.listdir("pictures")) == [*(f"{i:06d}.png" for i in range(N)), "generated.json"]
    np.testing.assert_array_equal(data.load("pictures").images, drawn)


def test_a_large_folder_has_subfolders_which_are_no_classes(gan, drawn, monkeypatch):
    monkeypatch.setattr(on_disk, "PER_FOLDER", 40)
    write(gan, "pictures")
    entries = os.listdir("pictures")
    assert sorted(name for name in entries if "." not in name) == ["000040", "000080", "000120"]
    assert sorted(os.listdir("pictures/000120")) == [f"{i:06d}.png" for i in range(120, 150)]
    found = data.load("pictures")
    assert found.labels is None
    np.testing.assert_array_equal(found.images, drawn)


@pytest.mark.parametrize(
    ("n", "index", "name"),
    [
        (10, 9, "000009.png"),
        (1_000_000, 9_999, "009999.png"),
        (1_000_000, 10_000, "010000/010000.png"),
        (1_000_000, 999_999, "990000/999999.png"),
        (1_000_001, 1_000_000, "1000000/1000000.png"),
        (1_000_001, 5, "0000005.png"),
    ],
)
def test_where_a_picture_lies(n, index, name):
    assert on_disk.Folder(Path("p"), n, (1, 1, 1)).name(index) == name


def test_arguments_mean_what_they_mean_to_generate(drawn):
    gan = lively(models.DCGAN(size=28, channels=1, width=2, latent=4, num_classes=3))
    for arguments in ({}, {"labels": 2}, {"labels": np.arange(40) // 20, "seed": 5, "truncation": 0.4}):
        gan.generate_to("a.npy", 40, **arguments)
        np.testing.assert_array_equal(np.load("a.npy"), gan.generate(40, **arguments))


def test_sentences():
    sizes = {"size": 16, "width": 2, "latent": 4, "compressed": 3, "reader_units": (2, 2, 2), "reader_dim": 4}
    model = lively(models.TextToImageGAN(**sizes, reader_recurrent=0, examples=("a red bird", "a blue bird")))
    for prompt, n in ((["a", "b", "c"], 5), ("a", None), (None, 7), (7, None), (None, None)):
        model.generate_to("a.npy", prompt, n, seed=3)
        np.testing.assert_array_equal(np.load("a.npy"), model.generate(prompt, n, seed=3))


def test_none_at_all(gan):
    assert write(gan, n=0)
    assert np.load("a.npy").shape == (0, 28, 28, 1)
    assert write(gan, "pictures", n=0)
    assert os.listdir("pictures") == ["generated.json"]


def test_numbers_of_numpy(gan, drawn):
    write(gan, n=np.int64(20), seed=np.int64(0), batch_size=np.int64(16), shard=(np.int64(1), np.int64(1)))
    np.testing.assert_array_equal(np.load("a.npy"), drawn[:20])


def test_progress_tells_how_many(gan):
    told = []
    write(gan, progress=lambda done, total: told.append((done, total)))
    assert told == [(min(16 * k, N), N) for k in range(1, 11)]


# --- stopped and resumed --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a.npy", "pictures"])
@pytest.mark.parametrize("count", [1, 64, 149])
def test_what_was_stopped_goes_on(gan, drawn, path, count):
    stopped(gan, path, count)
    assert not Path(path).exists()
    told = []
    assert write(gan, path, progress=lambda done, total: told.append(done))
    ends = [*range(16, N, 16), N]
    assert told == ends[ends.index(next(end for end in ends if end >= count)) + 1 :]  # what was done is not drawn again
    np.testing.assert_array_equal(data.load(path).images, drawn)
    assert names() in (["a.npy", "a.npy.json"], ["pictures"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 1}, "was begun with seed 0, and 1 came: ask for the same again, or remove it and begin anew"),
        ({"n": 100}, "was begun with n 150, and 100 came"),
        ({"truncation": 0.5}, "was begun with truncation None, and 0.5 came"),
        ({"batch_size": 8}, "was begun with batch_size 16, and 8 came"),
        ({"shard": (1, 2)}, "was begun with shards 1, and 2 came"),
    ],
)
@pytest.mark.parametrize("path", ["a.npy", "pictures"])
def test_something_else_is_refused(gan, drawn, path, changed, words):
    stopped(gan, path)
    with pytest.raises(keras_gans.KerasGansError, match=words):
        write(gan, path, **changed)
    write(gan, path)  # nothing was lost
    np.testing.assert_array_equal(data.load(path).images, drawn)


def test_other_weights_are_refused(gan):
    stopped(gan)
    other = models.DCGAN(size=28, channels=1, width=2, latent=4)
    with pytest.raises(keras_gans.KerasGansError, match=r"was begun with weights [0-9a-f]{12}\.\.\., and [0-9a-f]{12}"):
        write(other)


def test_what_was_removed_is_begun_anew(gan, drawn):
    """The notes of shards that are done say nothing of an array that somebody removed."""
    assert not write(gan, shard=(2, 2))
    Path("a.npy.partial").unlink()
    assert not write(gan, shard=(1, 2))
    assert write(gan, shard=(2, 2))
    np.testing.assert_array_equal(np.load("a.npy"), drawn)


def test_an_array_stands_until_the_new_one_is_whole(gan, drawn):
    write(gan, seed=1)
    before = Path("a.npy").read_bytes()
    stopped(gan)
    assert Path("a.npy").read_bytes() == before
    write(gan)
    np.testing.assert_array_equal(np.load("a.npy"), drawn)


@pytest.mark.parametrize("path", ["a.npy", "pictures"])
def test_what_is_whole_is_not_drawn_again(gan, path, monkeypatch):
    write(gan, path)
    monkeypatch.setattr(drawing.Drawing, "batch", None)
    assert write(gan, path)
    assert write(gan, path, shard=(3, 4))


def test_what_was_changed_is_drawn_again(gan, drawn):
    write(gan)
    pictures = np.load("a.npy")
    time.sleep(0.02)  # clocks of file systems are coarse
    np.save("a.npy", 255 - pictures)
    write(gan)
    np.testing.assert_array_equal(np.load("a.npy"), drawn)


def test_a_folder_that_lacks_a_picture_is_not_whole(gan):
    write(gan, "pictures")
    Path("pictures/000003.png").unlink()
    with pytest.raises(keras_gans.KerasGansError, match="pictures holds other files: name another"):
        write(gan, "pictures")


# --- shards ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a.npy", "pictures"])
@pytest.mark.parametrize("count", [1, 3, 10, 13])  # there are ten batches
def test_shards_make_the_same_whole(gan, drawn, path, count):
    order = np.random.default_rng(count).permutation(count) + 1
    whole = [write(gan, path, shard=(int(index), count)) for index in order]
    assert whole == [False] * (count - 1) + [True]
    np.testing.assert_array_equal(data.load(path).images, drawn)
    assert names() in (["a.npy", "a.npy.json"], ["pictures"])


def test_a_shard_that_is_done_is_not_drawn_again(gan, drawn, monkeypatch):
    write(gan, shard=(1, 2))
    with monkeypatch.context() as patch:
        patch.setattr(drawing.Drawing, "batch", None)
        assert not write(gan, shard=(1, 2))
    assert write(gan, shard=(2, 2))
    np.testing.assert_array_equal(np.load("a.npy"), drawn)


def test_a_shard_that_is_being_drawn_is_left_to_who_draws_it(gan):
    stopped(gan, shard=(1, 2))
    with filelock.FileLock("a.npy.partial.1-of-2.lock"):
        with pytest.raises(keras_gans.KerasGansError, match=r"a\.npy is being drawn by another process"):
            write(gan, shard=(1, 2))
        write(gan, shard=(2, 2))


def test_batches_are_dealt_to_all_devices(gan, drawn, monkeypatch):
    used, once = [], drawing.Drawing.batch

    def batch(self, inputs, device=None):
        used.append(device)
        return once(self, inputs, device)

    monkeypatch.setattr(drawing.Drawing, "batch", batch)
    write(gan)
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    assert len(devices) == 2  # as conftest.py has it
    assert sorted(used) == sorted(devices * 5)
    np.testing.assert_array_equal(np.load("a.npy"), drawn)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": -1}, "n must be a whole number of at least 0, got -1"),
        ({"seed": "a"}, "seed must be a whole number of at least 0, got 'a'"),
        ({"truncation": 0}, "truncation must be a number above 0, got 0"),
        ({"labels": 1}, "this model has no classes"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        *(
            ({"shard": shard}, r"shard must be \(index, count\), from \(1, count\) to \(count, count\), got ")
            for shard in ((0, 2), (3, 2), 1, (1, 2, 3), (1.0, 2), "1/2")
        ),
    ],
)
def test_wrong_arguments_are_named(gan, arguments, words):
    with pytest.raises(ValueError, match=words):
        write(gan, **arguments)
    assert not names()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.npz", r"An array, which ends in \.npy, or a folder was wanted, and a\.npz came"),
        ("a.PNG", r"and a\.PNG came: name one of these"),
        ("folder.npy", r"folder\.npy is a folder, and an array shall be written there: name a file"),
        ("folder.npy/..", "holds other files: name another"),
        ("file", "Pictures want a folder of their own, and file is a file: name another"),
    ],
)
def test_places_where_it_can_not_be(gan, path, words):
    Path("folder.npy").mkdir()
    Path("file").touch()
    with pytest.raises(keras_gans.KerasGansError, match=words):
        write(gan, path)
    assert names() == ["file", "folder.npy"]


def test_an_empty_folder_is_one_of_its_own(gan, drawn):
    Path("pictures").mkdir()
    write(gan, "pictures")
    np.testing.assert_array_equal(data.load("pictures").images, drawn)


def test_a_disk_without_room_is_refused_before_anything_is_drawn(gan, monkeypatch):
    monkeypatch.setattr(on_disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000_000))
    with pytest.raises(keras_gans.KerasGansError, match=r"has 0\.0 GB free, and what is left to draw takes 0\.8 GB"):
        write(gan, n=1_000_000)


def test_a_disk_that_fills_up_costs_nothing_but_time(gan, drawn, monkeypatch):
    """What could not be written is not counted, though it was drawn."""
    save = on_disk.image_data.save_png

    def full(path, picture):
        if path.name == "000100.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(path, picture)

    with monkeypatch.context() as patch:
        patch.setattr(on_disk.image_data, "save_png", full)
        with pytest.raises(OSError, match=r"No space left on device: .*pictures\.partial"):
            write(gan, "pictures")
    write(gan, "pictures")
    np.testing.assert_array_equal(data.load("pictures").images, drawn)


# --- killed ---------------------------------------------------------------------------------------------

_CHILD = """
import sys
import time
import keras_gans
from keras_gans.training import streaming

streaming.PAUSE = 0.05
folder, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
keras_gans.load(folder).generate_to(path, n, batch_size=16, progress=lambda done, total: time.sleep(0.003))
"""


def started(folder, path, n):
    """A process that draws to `path`, once it has begun to."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    process = subprocess.Popen([sys.executable, "-c", _CHILD, str(folder), path, str(n)], env=environment)
    note, partial = Path(f"{path}.partial.1-of-1.json"), Path(f"{path}.partial")
    while process.poll() is None and not (note.is_file() and partial.exists()):
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("path", "n", "kills"),
    [
        ("a.npy", 10_000, 3),
        pytest.param("a.npy", 10_000, 20, marks=pytest.mark.full),
        pytest.param("pictures", 10_000, 20, marks=pytest.mark.full),
    ],
)
def test_killed_at_any_moment_it_comes_to_the_same_bytes(gan, tmp_path, path, n, kills):
    gan.save_pretrained(tmp_path / "gan")
    wanted = keras_gans.load(tmp_path / "gan").generate(n, batch_size=16)
    rng, killed = np.random.default_rng(kills), 0
    for _ in range(kills):
        process = started(tmp_path / "gan", path, n)
        time.sleep(rng.uniform(0, 1.2))  # a process sleeps 1.9 s between its batches
        killed += process.poll() is None
        process.kill()
        process.wait()
        if Path(path).exists():  # it was sooner done than killed
            break
    assert killed
    process = started(tmp_path / "gan", path, n)
    assert process.wait() == 0
    np.testing.assert_array_equal(data.load(path).images, wanted)
    assert not [name for name in names() if "partial" in name]


# --- memory ---------------------------------------------------------------------------------------------

_PEAKS = """
import json, sys
import keras_gans
from keras_gans._peak import peak_bytes

model, peaks = keras_gans.load(sys.argv[1]), []
for n in map(int, sys.argv[2:]):
    model.generate_to("a.npy", n, batch_size=64)
    peaks.append(peak_bytes() / 2**20)
print(json.dumps(peaks))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nobody says there")
@pytest.mark.parametrize(
    ("name", "counts", "noise"),  # of the allocator, in MiB
    [
        pytest.param("./gan", (5_000, 50_000), 20, marks=pytest.mark.slow),  # 45,000 pictures are 34 MiB
        pytest.param("dcgan_lsun", (20_000, 100_000), 40, marks=pytest.mark.full),  # 80,000 are 938 MiB
    ],
)
def test_memory_does_not_grow_with_the_number_of_pictures(gan, name, counts, noise):
    gan.save_pretrained("gan")
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    environment = {**plain, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", _PEAKS, name, *map(str, counts)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    few, many = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: at most {few:.0f} MiB for {counts[0]:,} pictures, {many:.0f} MiB for {counts[1]:,}")
    assert many - few < noise
    assert many < 2048
