"""One file from one source, against servers that cut, stall, crawl, lie, redirect and refuse."""

import itertools
import os
import time

import pytest

from hostile_servers import HOSTILE, cut, redirect, send, trickle
from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, OfflineError
from keras_gans.zoo import transfer

NAME = "toy_digits"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0.001)


@pytest.fixture
def published(publish):
    """(models folder, the file's bytes, its record)"""
    models, _ = publish(NAME)
    folder = models / NAME
    return models, (folder / artifacts.WEIGHTS).read_bytes(), artifacts.read_provenance(folder)


def test_a_folder_and_a_server_give_the_same_file(tmp_path, published, serve):
    models, data, record = published
    server = serve(models)
    for source in (str(models), server.url, server.url + "/"):
        target = tmp_path / "new" / "file"
        came = []
        transfer.fetch(source, NAME, target, record, progress=came.append)
        assert target.read_bytes() == data
        assert came[0] == 0
        assert came == sorted(came)
        assert came[-1] == len(data)
        assert os.listdir(target.parent) == ["file"]
        target.unlink()
    assert server.paths == [f"/{NAME}/weights.safetensors"] * 2


def test_an_existing_file_is_replaced_only_by_the_right_one(tmp_path, published, serve):
    models, data, record = published
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        transfer.fetch(serve(lambda h: send(h, data[::-1])).url, NAME, target, record)
    assert target.read_bytes() == b"old"
    transfer.fetch(serve(models).url, NAME, target, record)
    assert target.read_bytes() == data


@pytest.mark.parametrize("case", HOSTILE)
def test_a_server_that_misbehaves_gets_one_sentence(case, tmp_path, published, serve):
    answer, requests, words = HOSTILE[case]
    _, data, record = published
    server = serve(lambda handler: answer(handler, data))
    with pytest.raises(DownloadError, match=words) as caught:
        transfer.fetch(server.url, NAME, tmp_path / "to" / "file", record)
    assert server.url in str(caught.value)
    assert len(server.paths) == requests
    assert os.listdir(tmp_path / "to") == []


def test_a_fault_that_passes_is_met_again(tmp_path, published, serve):
    _, data, record = published
    count = itertools.count()

    def third_time_lucky(handler):
        turn = next(count)
        if turn == 0:
            send(handler, b"busy", 503)
        elif turn == 1:
            cut(handler, data)
        else:
            send(handler, data)

    server = serve(third_time_lucky)
    came = []
    transfer.fetch(server.url, NAME, tmp_path / "file", record, progress=came.append)
    assert (tmp_path / "file").read_bytes() == data
    assert len(server.paths) == 3
    assert came.count(0) == 3  # each attempt begins anew
    assert max(came) == came[-1] == len(data)


def test_redirects_are_followed_but_not_for_ever(tmp_path, published, serve):
    models, data, record = published
    goal = serve(models)

    def redirect_to(url):
        return serve(lambda handler: redirect(handler, url(handler.path)))

    transfer.fetch(redirect_to(lambda path: goal.url + path).url, NAME, tmp_path / "file", record)
    assert (tmp_path / "file").read_bytes() == data
    with pytest.raises(DownloadError, match="TooManyRedirects"):
        transfer.fetch(redirect_to(lambda path: path).url, NAME, tmp_path / "other", record)
    with pytest.raises(DownloadError, match="InvalidSchema"):
        transfer.fetch(redirect_to(lambda path: "file:///etc/passwd").url, NAME, tmp_path / "other", record)


def test_a_server_that_stalls_is_left(tmp_path, published, serve, monkeypatch):
    _, _, record = published
    monkeypatch.setattr(transfer, "TIMEOUT", (0.2, 0.1))
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    server = serve(lambda handler: time.sleep(0.4))
    start = time.monotonic()
    with pytest.raises(DownloadError, match="no answer in time"):
        transfer.fetch(server.url, NAME, tmp_path / "file", record)
    assert time.monotonic() - start < 2
    assert len(server.paths) == 2


def test_a_server_that_crawls_is_left(tmp_path, published, serve, monkeypatch):
    """Each byte comes well within the time-out between reads: only the average tells."""
    _, data, record = published
    monkeypatch.setattr(transfer, "GRACE", 0.2)

    start = time.monotonic()
    with pytest.raises(DownloadError, match="4096 bytes a second"):
        transfer.fetch(
            serve(lambda handler: trickle(handler, data, pause=0.05)).url, NAME, tmp_path / "to" / "file", record
        )
    assert time.monotonic() - start < 3
    assert os.listdir(tmp_path / "to") == []


def test_nothing_listens(tmp_path, published):
    with pytest.raises(DownloadError, match="the connection failed"):
        transfer.fetch("http://127.0.0.1:9", NAME, tmp_path / "file", published[2])


def test_offline_asks_no_server_but_folders(tmp_path, published, serve, monkeypatch):
    models, data, record = published
    server = serve(models)
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    with pytest.raises(OfflineError, match="the network is off"):
        transfer.fetch(server.url, NAME, tmp_path / "file", record)
    assert server.paths == []
    transfer.fetch(str(models), NAME, tmp_path / "file", record)
    assert (tmp_path / "file").read_bytes() == data
    transfer.fetch(server.url, NAME, tmp_path / "other", record, offline=False)  # the argument rules
    assert (tmp_path / "other").read_bytes() == data


def test_folders_that_do_not_serve(tmp_path, published):
    _, data, record = published
    bad = tmp_path / "bad" / NAME
    bad.mkdir(parents=True)
    with pytest.raises(DownloadError, match="No such file"):
        transfer.fetch(str(tmp_path / "bad"), NAME, tmp_path / "file", record)
    (bad / artifacts.WEIGHTS).write_bytes(data[:-1])
    with pytest.raises(DownloadError, match=f"has {len(data) - 1} bytes"):
        transfer.fetch(str(tmp_path / "bad"), NAME, tmp_path / "file", record)
    (bad / artifacts.WEIGHTS).write_bytes(data[::-1])
    with pytest.raises(DownloadError, match="another sha256"):
        transfer.fetch(str(tmp_path / "bad"), NAME, tmp_path / "file", record)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("source", ["ftp://example.org", "s3://bucket", "hf://user/repo", "file:///models"])
def test_other_schemes_are_refused(tmp_path, published, source):
    with pytest.raises(DownloadError, match="neither an http"):
        transfer.fetch(source, NAME, tmp_path / "file", published[2])


def test_a_password_is_not_shown(tmp_path, published):
    with pytest.raises(DownloadError) as caught:
        transfer.fetch("http://me:secret@127.0.0.1:9/x", NAME, tmp_path / "file", published[2])
    assert "secret" not in str(caught.value)
    assert "http://127.0.0.1:9/x" in str(caught.value)


def test_a_target_that_cannot_be_written_is_an_os_error(tmp_path, published):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        transfer.fetch(str(published[0]), NAME, tmp_path / "file" / "below", published[2])
