"""Reading, writing, hashing and checking a model folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_gans import artifacts
from keras_gans.artifacts import CardError, IncompatibleWeightsError, KerasGansError, WeightsCorruptedError

ROOT = Path(__file__).resolve().parents[1]


def some_tensors(seed=0):
    random = np.random.default_rng(seed)
    return {
        "z/kernel": random.normal(size=(6, 4)).astype("float32"),
        "a/bias": random.normal(size=4).astype("float32"),
        "half": random.normal(size=(3, 2)).astype("float16"),
        "step": np.array(7, "int64"),
        "seed": np.array([1, 2], "uint32"),
        "mask": np.array([[True, False]]),
        "empty": np.zeros((0, 3), "float32"),
        "transposed": np.arange(12, dtype="float32").reshape(3, 4).T,
        "big_endian": np.arange(3, dtype=">f4"),
    }


# ---- round trips ----


def test_weights_come_back_exactly(tmp_path):
    tensors = some_tensors()
    record = artifacts.write_weights(tmp_path, tensors, {"steps": 3})
    loaded = artifacts.read_weights(tmp_path)
    assert sorted(loaded) == sorted(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype.newbyteorder("=")
        assert loaded[name].shape == tensor.shape
        np.testing.assert_array_equal(loaded[name], tensor)
    data = (tmp_path / artifacts.WEIGHTS).read_bytes()
    assert record == artifacts.read_provenance(tmp_path)
    assert record == {
        "file": "weights.safetensors",
        "sha256": artifacts.sha256_bytes(data),
        "bytes": len(data),
        "parameters": sum(t.size for t in tensors.values()),
        "tensors": len(tensors),
        "provenance": {"steps": 3},
    }


def test_the_order_of_the_tensors_does_not_change_the_file(tmp_path):
    tensors = some_tensors()
    first = artifacts.write_weights(tmp_path / "a", tensors, {})
    second = artifacts.write_weights(tmp_path / "b", dict(reversed(tensors.items())), {})
    assert first["sha256"] == second["sha256"]


def test_provenance_may_lie_in_another_folder(tmp_path):
    artifacts.write_weights(tmp_path / "a", some_tensors(), {})
    (tmp_path / "b").mkdir()
    os.replace(tmp_path / "a" / artifacts.WEIGHTS, tmp_path / "b" / artifacts.WEIGHTS)
    assert len(artifacts.read_weights(tmp_path / "b", tmp_path / "a")) == len(some_tensors())
    with pytest.raises(WeightsCorruptedError, match=r"weights\.json"):
        artifacts.read_weights(tmp_path / "b")


def test_card_and_json_come_back(tmp_path):
    card = {"name": "x", "n": 3, "text": 'line\n"quoted" é', "paper": {"year": 2014}, "list": ["a", "b"]}
    artifacts.write_card(tmp_path, card)
    assert artifacts.read_card(tmp_path) == card
    artifacts.write_json(tmp_path / "scores.json", [{"value": 1.5, "name": "é"}])
    assert artifacts.read_json(tmp_path / "scores.json") == [{"value": 1.5, "name": "é"}]
    with pytest.raises(ValueError, match="JSON compliant"):
        artifacts.write_json(tmp_path / "scores.json", float("nan"))
    assert artifacts.read_json(tmp_path / "scores.json")[0]["value"] == 1.5


def test_known_hash(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, example B.1
    assert artifacts.sha256(tmp_path / "abc") == artifacts.sha256_bytes(b"abc") == expected


# ---- corruption ----


def test_every_bit_flip_and_truncation_is_caught(tmp_path):
    artifacts.write_weights(tmp_path, some_tensors(), {})
    path = tmp_path / artifacts.WEIGHTS
    good = path.read_bytes()
    for bit in range(0, 8 * len(good), 37):  # header and data, all eight positions
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(bad)
        with pytest.raises(WeightsCorruptedError, match="sha256"):
            artifacts.read_weights(tmp_path)
    for length in (0, 1, 8, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(WeightsCorruptedError, match=f"{length} bytes"):
            artifacts.read_weights(tmp_path)
    path.write_bytes(good + b"\0")
    with pytest.raises(WeightsCorruptedError, match="bytes"):
        artifacts.read_weights(tmp_path)
    path.write_bytes(good)
    assert artifacts.read_weights(tmp_path)


def test_a_file_of_another_size_is_not_even_read(tmp_path):
    artifacts.write_weights(tmp_path, some_tensors(), {})
    os.truncate(tmp_path / artifacts.WEIGHTS, 2**40)  # sparse; no memory could hold it
    with pytest.raises(WeightsCorruptedError, match=f"{2**40} bytes"):
        artifacts.read_weights(tmp_path)


def test_another_models_file_is_caught(tmp_path):
    artifacts.write_weights(tmp_path / "a", some_tensors(1), {})
    artifacts.write_weights(tmp_path / "b", some_tensors(2), {})
    data = (tmp_path / "b" / artifacts.WEIGHTS).read_bytes()
    (tmp_path / "a" / artifacts.WEIGHTS).write_bytes(data)  # the same size: only the hash can tell
    with pytest.raises(WeightsCorruptedError, match="sha256"):
        artifacts.read_weights(tmp_path / "a")


def test_nothing_is_parsed_before_it_is_hashed(tmp_path):
    """A header that would ask for 2**60 bytes: the refusal is about the hash, not about the header."""
    record = artifacts.write_weights(tmp_path, some_tensors(), {})
    data = bytearray((tmp_path / artifacts.WEIGHTS).read_bytes())
    data[:8] = (2**60).to_bytes(8, "little")
    with pytest.raises(WeightsCorruptedError, match="sha256"):
        artifacts.parse_weights(bytes(data), record)


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x02\0\0\0\0\0\0\0[]", b"\xff" * 64])
def test_a_wrong_file_with_a_right_hash_is_refused_too(content):
    record = {"sha256": artifacts.sha256_bytes(content), "bytes": len(content), "tensors": 1, "parameters": 1}
    with pytest.raises(WeightsCorruptedError, match="safetensors"):
        artifacts.parse_weights(content, record)


def test_counts_must_be_as_recorded(tmp_path):
    record = artifacts.write_weights(tmp_path, some_tensors(), {})
    artifacts.write_json(tmp_path / artifacts.PROVENANCE, {**record, "parameters": record["parameters"] + 1})
    with pytest.raises(WeightsCorruptedError, match="tensors of"):
        artifacts.read_weights(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_non_finite_values_are_neither_written_nor_read(tmp_path, value, dtype):
    from safetensors.numpy import save

    bad = {"kernel": np.array([1, value], dtype)}
    artifacts.write_weights(tmp_path, {"kernel": np.ones(2, dtype)}, {})
    before = (tmp_path / artifacts.WEIGHTS).read_bytes()
    with pytest.raises(WeightsCorruptedError, match=r"'kernel'.*not finite"):
        artifacts.write_weights(tmp_path, bad, {})
    assert (tmp_path / artifacts.WEIGHTS).read_bytes() == before

    data = save(bad)
    record = {"sha256": artifacts.sha256_bytes(data), "bytes": len(data), "tensors": 1, "parameters": 2}
    with pytest.raises(WeightsCorruptedError, match=r"'kernel'.*not finite"):
        artifacts.parse_weights(data, record)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(WeightsCorruptedError, match=r"weights\.json could not be read"):
        artifacts.read_weights(tmp_path)
    artifacts.write_weights(tmp_path, some_tensors(), {})
    (tmp_path / artifacts.WEIGHTS).unlink()
    with pytest.raises(WeightsCorruptedError, match=r"weights\.safetensors could not be read"):
        artifacts.read_weights(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sha256": "abc"}, "'sha256'"),
        ({"sha256": None}, "'sha256'"),
        ({"bytes": "12"}, "'bytes'"),
        ({"bytes": True}, "'bytes'"),
        ({"parameters": -1}, "'parameters'"),
        ({"tensors": 1.0}, "'tensors'"),
        ({"provenance": []}, "'provenance'"),
    ],
)
def test_bad_provenance_is_named(tmp_path, change, named):
    record = artifacts.write_weights(tmp_path, some_tensors(), {})
    artifacts.write_json(tmp_path / artifacts.PROVENANCE, {**record, **change})
    with pytest.raises(WeightsCorruptedError, match=named):
        artifacts.read_provenance(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_provenance_that_is_not_json(tmp_path, text):
    (tmp_path / artifacts.PROVENANCE).write_bytes(text)
    with pytest.raises(WeightsCorruptedError, match="save the model again"):
        artifacts.read_provenance(tmp_path)


@pytest.mark.parametrize("text", [b"name = ", b"\xff", b"x = " + b"[" * 100_000])
def test_card_that_is_not_toml(tmp_path, text):
    (tmp_path / artifacts.CARD).write_bytes(text)
    with pytest.raises(CardError, match="not valid TOML"):
        artifacts.read_card(tmp_path)


def test_missing_card(tmp_path):
    with pytest.raises(CardError, match=r"No card\.toml could be read in .*nowhere"):
        artifacts.read_card(tmp_path / "nowhere")


# ---- atomic writing ----


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    artifacts.write_atomically(path, b"old")

    def half_a_write():
        with artifacts.replacing(path) as file:
            file.write(b"half of the n")
            file.flush()
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        half_a_write()
    with pytest.raises(TypeError):
        artifacts.write_atomically(path, "not bytes")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
    artifacts.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_bytes_are_on_the_disk_before_they_get_the_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a)))
    artifacts.write_atomically(tmp_path / "file", b"data")
    assert calls == ["fsync", "replace", "fsync"]  # the bytes, the move, the folder
    assert (tmp_path / "file").read_bytes() == b"data"


def test_a_failed_move_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        artifacts.write_atomically(tmp_path / "taken", b"data")
    assert os.listdir(tmp_path) == ["taken"]


def test_a_writer_killed_midway_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    artifacts.write_atomically(path, b"old")
    code = (
        "import os, signal, sys; from keras_gans import artifacts\n"
        "with artifacts.replacing(sys.argv[1]) as file:\n"
        "    file.write(b'new'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=ROOT)
    assert result.returncode == -9
    assert path.read_bytes() == b"old"


def test_unserialisable_provenance_costs_nothing(tmp_path):
    artifacts.write_weights(tmp_path, some_tensors(1), {})
    before = artifacts.read_weights(tmp_path)
    with pytest.raises(TypeError):
        artifacts.write_weights(tmp_path, some_tensors(2), {"seed": object()})
    np.testing.assert_array_equal(artifacts.read_weights(tmp_path)["z/kernel"], before["z/kernel"])


def test_a_long_name_and_new_folders_can_be_written(tmp_path):
    path = tmp_path / "new" / "folders" / ("é" * 120)  # 240 bytes: no room for a suffix
    artifacts.write_atomically(path, b"data")
    assert path.read_bytes() == b"data"


def test_a_written_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    artifacts.write_atomically(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


# ---- rounding and matching ----


def test_matrices_are_rounded_and_vectors_kept():
    tensors = some_tensors()
    rounded = artifacts.round_matrices(tensors)
    assert rounded["z/kernel"].dtype == np.float16
    np.testing.assert_array_equal(rounded["z/kernel"], tensors["z/kernel"].astype("float16"))
    for name in ("a/bias", "half", "step", "seed", "mask"):
        assert rounded[name] is tensors[name]


def test_a_value_beyond_float16_is_refused():
    edge = np.full((1, 1), 65504, "float32")
    assert artifacts.round_matrices({"edge": edge})["edge"].item() == 65504
    with pytest.raises(IncompatibleWeightsError, match="'huge'"):
        artifacts.round_matrices({"huge": edge * 2})
    assert artifacts.round_matrices({"vector": edge[0] * 2})["vector"].item() == 131008


def test_an_unknown_dtype_is_refused(tmp_path):
    for tensor in (np.array(["a"]), np.array([object()]), np.ones(2, "complex128")):
        with pytest.raises(IncompatibleWeightsError, match="convert it to float32"):
            artifacts.write_weights(tmp_path, {"x": tensor}, {})
    assert os.listdir(tmp_path) == []


def test_match_names_up_to_three_of_each_kind():
    tensors = {"a": np.zeros((2, 3)), "b": np.zeros(4), "extra": np.zeros(1)}
    artifacts.match(tensors, {"extra": (1,), "b": (4,), "a": (2, 3)}, "this Toy")
    expected = {"a": (3, 2), "b": (4,), "m1": (1,), "m2": (1,), "m3": (1,), "m4": (1,), "m5": (1,)}
    with pytest.raises(IncompatibleWeightsError) as caught:
        artifacts.match(tensors, expected, "this Toy")
    text = str(caught.value)
    assert text.startswith("These weights do not fit this Toy (missing: ")
    assert "missing: 'm1', 'm2', 'm3' and 2 more" in text
    assert "unexpected: 'extra'" in text
    assert "'a' (2, 3) instead of (3, 2)" in text
    assert "'m4'" not in text
    with pytest.raises(IncompatibleWeightsError, match="another shape"):  # the same size is not enough
        artifacts.match({"a": np.zeros((1, 4))}, {"a": (4,)}, "this Toy")


@pytest.mark.parametrize(
    ("value", "off"),
    [
        ("1", True),
        ("true", True),
        (" YES ", True),
        ("on", True),
        ("0", False),
        ("", False),
        ("no", False),
        ("false", False),
    ],
)
def test_what_switches_the_network_off(monkeypatch, value, off):
    monkeypatch.setenv("KERAS_GANS_OFFLINE", value)
    assert artifacts.is_offline() is off
    assert artifacts.is_offline(not off) is not off


def test_every_error_is_one_of_ours():
    names = [name for name in vars(artifacts) if name.endswith("Error") and name != "KerasGansError"]
    assert len(names) == 10
    assert all(issubclass(getattr(artifacts, name), KerasGansError) for name in names)
    assert issubclass(artifacts.UnknownModelError, LookupError)
    assert issubclass(artifacts.DataError, ValueError)


def test_it_is_the_ground_floor():
    """Importing it loads not even NumPy: it is on the path of a listing."""
    code = "import json, sys, keras_gans.artifacts; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    heavy = {"numpy", "safetensors", "keras", "tensorflow", "pooch", "requests"}
    assert heavy.isdisjoint(json.loads(result.stdout))
