"""Fixtures: small model folders, a cache of the test's own, and an HTTP server on 127.0.0.1."""

import http.server
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from keras_gans import artifacts


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """The cache's folder, which does not exist yet. No variable of the machine reaches a test."""
    for variable in (
        "KERAS_GANS_MIRROR",
        "KERAS_GANS_OFFLINE",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KERAS_GANS_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def card_dict():
    """A function that returns a card as TOML holds it, with these keys changed."""

    def make(**changes):
        card = {
            "name": "toy_digits",
            "family": "DCGAN",
            "task": "generate",
            "status": "pretrained",
            "version": 1,
            "title": "Toy digits",
            "description": "A model for tests.",
            "license": "Apache-2.0",
            "weights_license": "CC0-1.0",
            "architecture": {"size": 28, "channels": 1},
            "paper": {"title": "A paper", "authors": "A. Author", "year": 2014, "url": "https://example.org"},
            "data": {"source": "tfds:mnist", "split": "train", "seen": "60,000 images"},
            "recipes": {"modern": {"batch_size": 64, "steps": 100, "compile": {"loss": "hinge"}}},
            "default_recipe": "modern",
            "limits": ["Draws toys only."],
        }
        return {**card, **changes}

    return make


@pytest.fixture
def publish(tmp_path, card_dict):
    """A function that writes a model folder and returns (models folder, tensors)."""

    def make(name="toy_digits", seed=0, root=tmp_path / "models", **changes):
        folder = root / name
        random = np.random.default_rng(seed)
        tensors = {
            "generator/kernel": random.normal(size=(7, 5)).astype("float32"),
            "generator/bias": random.normal(size=5).astype("float32"),
        }
        artifacts.write_card(folder, card_dict(name=name, **changes))
        if changes.get("status") != "recipe":
            artifacts.write_weights(folder, tensors, {"seed": seed})
        return root, tensors

    return make


@pytest.fixture
def same():
    """Asserts that two sets of tensors are equal, bit for bit."""

    def check(left, right):
        assert sorted(left) == sorted(right)
        for name in left:
            assert left[name].dtype == right[name].dtype
            np.testing.assert_array_equal(left[name], right[name])

    return check


@pytest.fixture
def serve():
    """Starts servers: `serve(answer)` calls answer(handler) for each GET; `serve(folder)` serves its files.

    Returns a namespace with the `url` and the list of `paths` that were asked for.
    """
    servers = []

    def start(answer):
        seen = SimpleNamespace(url="", paths=[])

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                folder = answer if isinstance(answer, Path) else None
                super().__init__(*args, directory=folder)

            def do_GET(self):
                seen.paths.append(self.path)
                if isinstance(answer, Path):
                    super().do_GET()
                else:
                    answer(self)

            def log_message(self, *args):
                """Quiet."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *args):
                """A client that hangs up is part of these tests."""

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        servers.append((server, thread))
        seen.url = f"http://127.0.0.1:{server.server_port}"
        return seen

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()
