"""What is wrong with the registry, the cache and the mirrors, one finding a check. Nothing is changed, nothing is made.

The parts that every installation has (Python, packages, Keras's backend) are looked at in `installation`.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, KerasGansError, is_offline

from . import download, registry
from .card import Card
from .transfer import without_password

OK, WARNING, PROBLEM = "ok", "warning", "problem"

QUIET = 60.0  # seconds without a byte after which a partial file is nobody's: a transfer that slow is ended long before
TIMEOUT = (3.05, 4.0)  # seconds to connect to a mirror, and to wait for its next bytes
DEADLINE = 6.0  # seconds after which a mirror that still has not said what it has counts as silent
_REINSTALL = "reinstall keras_gans"
_ANOTHER_HOME = "set KERAS_GANS_HOME to a folder that can be written"
_CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)


class Finding(NamedTuple):
    """What one check found.

    level: OK, WARNING (it works, in part or for now) or PROBLEM.
    check: what was looked at, a word.
    found: half a sentence.
    advice: what to do, the other half; empty where all is well.
    """

    level: str
    check: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.found}: {self.advice}." if self.advice else f"{self.found}."


# ---- the registry -----------------------------------------------------------------------------------------


def check_registry(folder: str | Path | None = None) -> tuple[list[Finding], list[Card]]:
    """Whether every card reads; the findings, and the cards that do. `folder` stands in for the registry's."""
    where = Path(folder) if folder is not None else registry.models_folder()
    found, cards = [], []
    for name in registry.names(folder):
        try:
            cards.append(registry.info(name, folder=folder))
        except KerasGansError as error:
            text = f"the card of {name} does not read ({str(error).rstrip('.')})"
            found.append(Finding(PROBLEM, "registry", text, _REINSTALL))
    if not cards and not found:
        return [Finding(PROBLEM, "registry", f"no model lies in {where}", _REINSTALL)], []
    return found or [Finding(OK, "registry", f"all {len(cards)} cards in {where} read")], cards


def check_weights(cards: Sequence[Card]) -> list[Finding]:
    """Whether the weights beside each pretrained card are those that its weights.json records, hash and all."""
    shipped = _pretrained(cards)
    faults = {card.name: fault for card in shipped if (fault := _fault(card))}
    if not faults:
        return [Finding(OK, "weights", f"all {len(shipped)} weights files are the ones that were published")]
    return [
        Finding(PROBLEM, "weights", f"{name} {fault}", f"{_REINSTALL}, or fetch it with `keras-gans download {name}`")
        for name, fault in faults.items()
    ]


def _pretrained(cards: Sequence[Card]) -> list[Card]:
    return [card for card in cards if card.status == "pretrained"]


def _fault(card: Card) -> str:
    """What is wrong with a card's weights, as half a sentence; nothing where they are sound."""
    path = card.folder / artifacts.WEIGHTS
    try:
        expected = artifacts.read_provenance(card.folder)
        size = path.stat().st_size
        if size != expected["bytes"]:
            return f"has {size:,} bytes of weights and {artifacts.PROVENANCE} says {expected['bytes']:,}"
        found = artifacts.sha256(path)
    except KerasGansError as error:
        return f"cannot be checked ({str(error).rstrip('.')})"
    except OSError as error:
        return f"has no readable {artifacts.WEIGHTS} ({_reason(error)})"
    if found != expected["sha256"]:
        return f"has damaged weights: their sha256 begins {found[:12]}, not {expected['sha256'][:12]}"
    return ""


def total_bytes(cards: Sequence[Card]) -> int:
    """What the weights of all pretrained cards would take in the cache, as far as their weights.json read."""
    return sum(record["bytes"] for record in map(_record, _pretrained(cards)) if record)


def _record(card: Card) -> dict[str, Any]:
    try:
        return artifacts.read_provenance(card.folder)
    except KerasGansError:
        return {}


# ---- the cache --------------------------------------------------------------------------------------------


def check_cache(cache: str | Path | None = None, needed: int = 0) -> list[Finding]:
    """Whether the cache can be written, has room for `needed` bytes, and holds what it should and nothing else."""
    try:
        folder = download.cache_dir(cache)
    except DownloadError as error:
        found, _, advice = str(error).rstrip(".").partition(": ")
        return [Finding(PROBLEM, "cache", found, advice)]
    usable = _usable(folder)
    if usable.level == PROBLEM:
        return [usable]
    try:
        return [usable, _room(folder, needed), _sound(folder), _left_over(folder)]
    except OSError as error:
        text = f"{error.filename or folder} could not be read ({_reason(error)})"
        return [usable, Finding(PROBLEM, "cache", text, f"mend its permissions, or {_ANOTHER_HOME}")]


def _usable(folder: Path) -> Finding:
    """Whether the cache's folder can be written, or be made."""
    above = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not os.path.isdir(above):
        return Finding(PROBLEM, "cache", f"{above} is no folder", f"remove it, or {_ANOTHER_HOME}")
    if above != folder:
        if os.access(above, os.W_OK | os.X_OK):
            return Finding(OK, "cache", f"{folder} is not there yet and can be made")
        return Finding(PROBLEM, "cache", f"{folder} cannot be made in {above}", _ANOTHER_HOME)
    if not os.access(folder, os.R_OK | os.X_OK):
        return Finding(PROBLEM, "cache", f"{folder} cannot be read", f"mend its permissions, or {_ANOTHER_HOME}")
    for part in (folder, folder / "locks", folder / "models", *sorted((folder / "models").glob("*"))):
        error = _cannot_write(part) if os.path.isdir(part) else None
        if error is not None:
            return _unwritable(part, error)
    return Finding(OK, "cache", f"{folder} can be written")


def _nearest_folder(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if os.path.isdir(path))


def _cannot_write(folder: Path) -> OSError | None:
    """Why a file cannot be written in a folder. The one that tries it has no name where the system allows that."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        return error
    return None


def _unwritable(folder: Path, error: OSError) -> Finding:
    if error.errno in _CANNOT_WRITE:
        text = f"{folder} can be read and not be written ({_reason(error)}), so no download is kept there"
        return Finding(WARNING, "cache", text, f"mend its permissions, or {_ANOTHER_HOME}")
    text = f"nothing can be written to {folder} ({_reason(error)})"
    return Finding(PROBLEM, "cache", text, f"free space there, or {_ANOTHER_HOME}")


def _room(folder: Path, needed: int) -> Finding:
    """Free disk space, held against what all published weights take."""
    free = shutil.disk_usage(_nearest_folder(folder)).free
    if free < needed:
        text = f"{_amount(free)} are free and all published weights take {_amount(needed)}"
        return Finding(WARNING, "space", text, "free some, or set KERAS_GANS_HOME to another disk")
    return Finding(OK, "space", f"{_amount(free)} are free where the cache is")


def _sound(folder: Path) -> Finding:
    """Whether the cached files still are what their names say."""
    checked = download.cache_verify(folder)
    damaged = sorted({path.parent.name for path, sound in checked if not sound})
    if damaged:
        text = f"the cached weights of {', '.join(damaged)} are damaged"
        return Finding(PROBLEM, "cached", text, f"fetch them again with `keras-gans download {' '.join(damaged)}`")
    return Finding(OK, "cached", f"all {len(checked)} cached files are sound" if checked else "nothing is cached")


def _left_over(folder: Path) -> Finding:
    """Partial files that killed downloads left; one that is being written now is none."""
    left, size = set(), 0
    for path in (folder / "models").glob(f"*/.*{artifacts.PARTIAL}"):
        status = path.stat()
        if time.time() - status.st_mtime > QUIET:
            left.add(path.parent.name)
            size += status.st_size
    if not left:
        return Finding(OK, "partial", "no killed download left anything")
    text = f"killed downloads of {', '.join(sorted(left))} left {_amount(size)}"
    advice = f"remove them, and what is cached of these models, with `keras-gans cache clear {' '.join(sorted(left))}`"
    return Finding(WARNING, "partial", text, advice)


# ---- the mirrors ------------------------------------------------------------------------------------------


def check_mirrors(cards: Sequence[Card], offline: bool | None = None) -> list[Finding]:
    """Whether each mirror of KERAS_GANS_MIRROR has weights that were published; URLs are asked all at once."""
    sources, wanted = download.mirrors(), _pretrained(cards)
    if not sources:
        return [Finding(OK, "mirror", "KERAS_GANS_MIRROR names none, and the package has its own copy")]
    found: dict[int, Finding] = {}

    def look(index: int, source: str) -> None:
        found[index] = _mirror(source, wanted, offline)

    # Daemons: a server that trickles its answer must not keep the program from its end.
    threads = [threading.Thread(target=look, args=pair, daemon=True) for pair in enumerate(sources)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + DEADLINE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [found.get(i) or _silent(source, f"no answer in {DEADLINE:g} s") for i, source in enumerate(sources)]


def _mirror(source: str, cards: Sequence[Card], offline: bool | None) -> Finding:
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if not scheme:
        return _folder_mirror(Path(os.path.expanduser(source)), cards)
    if scheme not in ("http", "https"):
        text = f"{without_password(source)} is neither an http(s) URL nor a folder"
        return Finding(PROBLEM, "mirror", text, "correct KERAS_GANS_MIRROR")
    if is_offline(offline):
        return Finding(OK, "mirror", f"{without_password(source)} is not asked while the network is off")
    return _url_mirror(source, cards)


def _folder_mirror(folder: Path, cards: Sequence[Card]) -> Finding:
    if not os.path.isdir(folder):
        return Finding(PROBLEM, "mirror", f"{folder} is no folder", "make it, or take it out of KERAS_GANS_MIRROR")
    found = {card.name: _size(folder / card.name / artifacts.WEIGHTS) for card in cards}
    there = [card for card in cards if found[card.name] is not None]
    others = [card.name for card in there if found[card.name] != _record(card).get("bytes")]
    if not there:
        return _empty(str(folder))
    if others:
        return _other_weights(str(folder), others)
    return Finding(OK, "mirror", f"{folder} has the weights of {len(there)} of {len(cards)} models")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _url_mirror(source: str, cards: Sequence[Card]) -> Finding:
    """Asks for the first byte of one model's weights after the other's, until there is one that the mirror has."""
    import requests

    shown = without_password(source)
    for card in cards:
        url = f"{source.rstrip('/')}/{card.name}/{artifacts.WEIGHTS}"
        headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
        try:
            with requests.get(url, headers=headers, timeout=TIMEOUT, stream=True) as answer:
                status, size = answer.status_code, _size_told(answer)
        except requests.Timeout:
            return _silent(source, "no answer in time")
        except (requests.RequestException, ValueError) as error:  # their texts may hold a password
            failed = isinstance(error, requests.ConnectionError)
            return _silent(source, "the connection failed" if failed else type(error).__name__)
        if status in (404, 410):
            continue
        if status not in (200, 206):
            return _silent(source, f"HTTP {status}")
        if size is not None and size != _record(card).get("bytes"):
            return _other_weights(shown, [card.name])
        return Finding(OK, "mirror", f"{shown} answers and has the weights of {card.name}")
    return _empty(shown)


def _size_told(answer: Any) -> int | None:
    """How long a server says that the whole file is, if it says so."""
    told = answer.headers.get("Content-Range", "").rpartition("/")[2] or answer.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() else None


def _silent(source: str, why: str) -> Finding:
    advice = "come back later, or take it out of KERAS_GANS_MIRROR"
    return Finding(PROBLEM, "mirror", f"{without_password(source)} could not be used ({why})", advice)


def _empty(shown: str) -> Finding:
    text = f"{shown} has no weights that were published, as NAME/{artifacts.WEIGHTS}"
    return Finding(WARNING, "mirror", text, "put model folders there, or take it out of KERAS_GANS_MIRROR")


def _other_weights(shown: str, names: Sequence[str]) -> Finding:
    text = f"{shown} has other weights of {', '.join(names)} than this version's"
    return Finding(WARNING, "mirror", text, "bring the mirror up to date, or take it out of KERAS_GANS_MIRROR")


def _amount(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
