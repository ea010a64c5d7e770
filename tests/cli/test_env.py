"""keras-gans env"""

import json
from importlib import metadata

import pytest


def test_versions_and_settings(kg, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_MIRROR", "https://user:secret@example.org/zoo, ./mirror")
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    monkeypatch.setenv("TFDS_DATA_DIR", "/somewhere")
    shown = kg("env").stdout
    told = json.loads(kg("env", "--json").stdout)
    assert told["versions"]["keras"] == metadata.version("keras")
    assert told["settings"] | {"models": None} == {
        "keras backend": "tensorflow",
        "cache": str(tmp_path / "cache"),
        "mirrors": ["https://example.org/zoo", "./mirror"],
        "offline": True,
        "models": None,
        "TFDS_DATA_DIR": "/somewhere",
    }
    assert "secret" not in shown
    assert metadata.version("tensorflow") in shown


@pytest.mark.parametrize(
    ("text", "backend"), [('{"backend": "jax"}', "jax"), ("{", "tensorflow"), ("[]", "tensorflow")]
)
def test_the_backend_of_keras_own_file(text, backend, kg, tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(text)
    assert json.loads(kg("env", "--json").stdout)["settings"]["keras backend"] == backend


def test_devices_when_asked(kg):
    assert "devices" not in json.loads(kg("env", "--json").stdout)
    assert any(device.startswith("CPU") for device in json.loads(kg("env", "--devices", "--json").stdout)["devices"])
    assert "CPU" in kg("env", "--devices").stdout
