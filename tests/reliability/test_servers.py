"""Mirrors that misbehave: how long a download takes to say so, and that the next mirror takes over."""

import time

import pytest

from hostile_servers import HOSTILE, redirect, send, trickle
from keras_gans import artifacts
from keras_gans.artifacts import DownloadError
from keras_gans.zoo import download, transfer

NAME = "toy_digits"
LONGEST = 10.0  # seconds until the error
LONGEST_STALLED = 30.0


@pytest.fixture
def data(publish, tmp_path):
    """The published file's bytes; the package's own copy is gone, so that only mirrors have it."""
    publish(NAME, root=tmp_path / "mirror")
    publish(NAME)
    path = tmp_path / "models" / NAME / artifacts.WEIGHTS
    data = path.read_bytes()
    path.unlink()
    return data


def stall(handler, data):
    """Sends half, and then nothing while the client may wait."""
    send(handler, data[: len(data) // 2], length=len(data))
    handler.wfile.flush()
    time.sleep(3 * transfer.TIMEOUT[1])


def serve_a_page(handler, data):
    send(handler, b"<!doctype html><title>Sign in</title>".ljust(len(data)))


MISBEHAVING = {
    **{name: answer for name, (answer, _, _) in HOSTILE.items()},
    "redirects in circles": lambda handler, data: redirect(handler, handler.path),
    "redirects to a file": lambda handler, data: redirect(handler, "file:///etc/hostname"),
    "web page of the right length": serve_a_page,
}
SLOW = {"stalls": stall, "crawls": lambda handler, data: trickle(handler, data, pause=0.2)}


def seconds_to_fail(server, models):
    """How long `download` takes to raise DownloadError where this is the only mirror."""
    began = time.monotonic()
    with pytest.raises(DownloadError, match="No source had the weights") as caught:
        download.download(NAME, folder=models)
    assert "\n" not in str(caught.value)
    assert server.url in str(caught.value)
    return time.monotonic() - began


@pytest.mark.parametrize("slow", [(), pytest.param(tuple(SLOW), marks=pytest.mark.full)])
def test_mirrors_that_misbehave(slow, data, tmp_path, cache, serve, monkeypatch, record):
    """Alone each gives one sentence in time; with a good mirror behind it, the file. Nothing is left of it."""
    models, good = tmp_path / "models", serve(tmp_path / "mirror")
    if not slow:
        monkeypatch.setattr(transfer, "PAUSE", 0.001)
    seconds = {}
    for case in [*MISBEHAVING, *slow]:
        answer = {**MISBEHAVING, **SLOW}[case]
        server = serve(lambda handler, answer=answer: answer(handler, data))
        monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
        seconds[case] = seconds_to_fail(server, models)
        assert list(cache.glob("models/*/*")) == []
        monkeypatch.setenv("KERAS_GANS_MIRROR", f"{server.url},{good.url}")
        path = download.download(NAME, folder=models)
        assert path.read_bytes() == data
        path.unlink()
    assert all(took < (LONGEST_STALLED if case in SLOW else LONGEST) for case, took in seconds.items())
    record("servers", cases=len(seconds), right_error=len(seconds), taken_over=len(seconds), seconds=rounded(seconds))


def rounded(seconds):
    return {case: round(took, 2) for case, took in seconds.items()}
