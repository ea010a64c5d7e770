"""One weights file from one source: an http(s) mirror, by pooch, or a folder.

The bytes go to a partial file beside the target, are counted, hashed as they lie on the disk, synced, and
moved. Faults that pass (a cut, a time-out, a busy server) are met again a few times, the others never.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO

from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, OfflineError, is_offline

Progress = Callable[[int], None]  # called with the bytes that came so far; another attempt or mirror begins at 0

ATTEMPTS = 3
PAUSE = 0.3  # seconds before the second attempt, twice that before the third
TIMEOUT = (3.05, 8.0)  # seconds to connect, and to wait for a server's next bytes
GRACE = 6.0  # seconds after which a transfer must have averaged SLOWEST bytes a second
SLOWEST = 4096
_BUSY = frozenset([408, 425, 429, 500, 502, 503, 504])  # HTTP answers worth asking again for


def is_sound(path: Path, expected: Mapping[str, Any]) -> bool:
    """Whether a file has the size and the sha256 that weights.json records."""
    try:
        return path.stat().st_size == expected["bytes"] and artifacts.sha256(path) == expected["sha256"]
    except OSError:
        return False


def without_password(source: str) -> str:
    """A mirror or another source as logs, errors and listings may show it."""
    return re.sub(r"//[^/@]*@", "//", source)


def fetch(
    source: str,
    name: str,
    path: Path,
    expected: Mapping[str, Any],
    *,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> None:
    """Copies <source>/<name>/weights.safetensors to `path`, which is replaced in one move or not touched.

    source: an http(s) URL or a folder.
    expected: weights.json; only a file of that size and sha256 gets to `path`.
    progress: called with the number of bytes that came so far; each attempt begins at 0.
    Raises DownloadError, or OfflineError for a URL while the network is off. An OSError is the target's:
    a full disk, a folder that cannot be written.
    """
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in ("http", "https"):
        url = f"{source.rstrip('/')}/{name}/{artifacts.WEIGHTS}"
        if is_offline(offline):
            raise OfflineError(f"{without_password(url)} was not asked for because the network is off: go online.")
        _attempt(lambda: _transfer(path, expected, lambda sink: _from_url(url, sink), progress), url)
    elif scheme:
        raise DownloadError(
            f"The mirror {without_password(source)} is neither an http(s) URL nor a folder: correct KERAS_GANS_MIRROR."
        )
    else:
        file = Path(source).expanduser() / name / artifacts.WEIGHTS
        _attempt(lambda: _transfer(path, expected, lambda sink: _from_file(file, sink), progress), str(file))


class _Fault(Exception):
    """What was wrong with a source. `passes`: another attempt may not meet it."""

    def __init__(self, text: str, passes: bool = False) -> None:
        super().__init__(text)
        self.passes = passes


class _Sink:
    """The partial file as a source sees it: it counts, and takes no more bytes than were promised."""

    def __init__(self, file: BinaryIO, most: int, progress: Progress | None) -> None:
        self.file, self.most, self.progress, self.count = file, most, progress, 0

    def write(self, data: bytes) -> int:
        self.count += len(data)
        if self.count > self.most:
            raise _Fault(f"it is longer than the {self.most} bytes of the published file")
        self.file.write(data)
        if self.progress is not None:
            self.progress(self.count)
        return len(data)

    def flush(self) -> None:
        """Pooch flushes after each piece; the file is flushed once, at the end."""


def _attempt(transfer: Callable[[], None], where: str) -> None:
    """Runs a transfer, up to ATTEMPTS times while its faults may pass; DownloadError names what stayed."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return transfer()
        except _Fault as fault:
            if attempt == ATTEMPTS or not fault.passes:
                raise DownloadError(
                    f"{without_password(where)} could not be used: {fault}; try another mirror or come back later."
                ) from fault
            time.sleep(PAUSE * attempt)


def _transfer(
    path: Path, expected: Mapping[str, Any], pull: Callable[[_Sink], None], progress: Progress | None
) -> None:
    """One attempt: `pull` fills a partial file, which becomes `path` if it is what was promised."""
    if progress is not None:
        progress(0)
    with artifacts.replacing(path) as file:
        sink = _Sink(file, expected["bytes"], progress)
        pull(sink)
        file.flush()
        if sink.count < sink.most:
            raise _Fault(f"{sink.count} of its {sink.most} bytes came", passes=True)
        if not is_sound(Path(file.name), expected):
            raise _Fault("it is not the file that was published (another sha256)")


def _from_file(file: Path, sink: _Sink) -> None:
    """Reads a mirror's file whole: weights are small. Its size is looked at first: it may be anything."""
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size == sink.most else None
    except OSError as error:
        raise _Fault(error.strerror or type(error).__name__) from error
    if data is None:
        raise _Fault(f"it has {size} bytes and the published file has {sink.most}")
    sink.write(data)


def _from_url(url: str, sink: _Sink) -> None:
    """One GET, by pooch."""
    import pooch
    import requests

    responses: list[requests.Response] = []
    get = pooch.HTTPDownloader(
        timeout=TIMEOUT,
        headers={"Accept-Encoding": "identity"},  # the bytes as they lie there, so that they can be counted
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    with _hurried(responses, sink) as slow:
        try:
            get(url, sink, None)
        except (requests.RequestException, HTTPException, ValueError) as error:
            if slow.is_set():
                raise _Fault(f"it came at under {SLOWEST} bytes a second") from error
            raise _fault_of(error) from error
        finally:
            for response in responses:  # pooch leaves them open after an error
                response.close()


def _fault_of(error: Exception) -> _Fault:
    """What an error of requests means for the one who waits. Its own text may hold a password: not used."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return _Fault(f"HTTP {status}", passes=status in _BUSY)
    if isinstance(error, requests.Timeout):
        return _Fault("no answer in time", passes=True)
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return _Fault("the connection failed", passes=True)
    return _Fault(f"the request failed ({type(error).__name__})")


@contextlib.contextmanager
def _hurried(responses: list[Any], sink: _Sink) -> Iterator[threading.Event]:
    """Ends a transfer that crawls, and sets the event that it yields when it did.

    A time-out between two reads is not enough: a server that sends one byte a second never meets it.
    """
    done, slow, start = threading.Event(), threading.Event(), time.monotonic()

    def watch() -> None:
        while not done.wait(0.25):
            seconds = time.monotonic() - start
            if responses and seconds > GRACE and sink.count < SLOWEST * seconds:
                slow.set()
                with contextlib.suppress(OSError, ValueError):  # it ended in this very moment
                    responses[-1].raw.shutdown()  # wakes the reader, which close() alone would not
                return

    thread = threading.Thread(target=watch, name="keras_gans-download", daemon=True)
    thread.start()
    try:
        yield slow
    finally:
        done.set()
        thread.join()
