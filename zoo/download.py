"""The cache of weights and what fills it: mirrors, the copy that ships, the hub.

    <cache>/models/<name>/<version>-<sha16>.safetensors     one verified file a version
    <cache>/locks/<name>-<version>-<sha16>.lock             empty; one process fills a file at a time
    <cache>/keras_gans_hub/                                 what huggingface_hub keeps

A file enters the cache in one way: under its lock, into a partial file beside it, hashed, synced, moved. So a
reader sees the whole file or none, whatever is killed when. The environment:

    KERAS_GANS_HOME     the cache's folder (else the platform's cache folder)
    KERAS_GANS_MIRROR   http(s) URLs or folders, comma-separated, each holding <name>/weights.safetensors
    KERAS_GANS_OFFLINE  1: no network; folders that serve as mirrors still do
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keras_gans import artifacts
from keras_gans.artifacts import DownloadError, KerasGansError, OfflineError, is_offline

from . import registry
from .card import NAME, Card
from .transfer import Progress, fetch, is_sound

logger = logging.getLogger("keras_gans")

STALE = 3600.0  # seconds after which a partial file of any model is nobody's
LOCK_WAIT = 600.0  # seconds to wait for another process that fills the same file
_CACHED = re.compile(r"\d+-([0-9a-f]{16})\.safetensors")


class CacheEntry(NamedTuple):
    """One file in the cache."""

    name: str
    path: Path
    bytes: int


# ---- settings ---------------------------------------------------------------------------------------------


def cache_dir(folder: str | Path | None = None) -> Path:
    """The cache's folder: the argument, else KERAS_GANS_HOME, else the platform's. It need not exist yet."""
    chosen = os.fspath(folder) if folder is not None else os.environ.get("KERAS_GANS_HOME", "")
    if not chosen:
        import platformdirs

        chosen = platformdirs.user_cache_dir("keras_gans", appauthor=False)
    path = Path(os.path.expanduser(chosen))
    if path.parts[:1] and path.parts[0].startswith("~"):  # nobody's home: do not create a folder called "~"
        raise DownloadError(f"The cache folder {chosen} needs a home folder and there is none: set KERAS_GANS_HOME.")
    return path.absolute()


def mirrors() -> list[str]:
    """The sources named by KERAS_GANS_MIRROR, in order."""
    return [source.strip() for source in os.environ.get("KERAS_GANS_MIRROR", "").split(",") if source.strip()]


# ---- from a name to a file in the cache -------------------------------------------------------------------


def download(
    name: str,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Has a published model's weights in the cache, verified, and returns the file.

    name: a published name. cache_dir, offline: override the environment.
    folder: stands in for the registry's.
    progress: called with the number of bytes that came so far; another attempt or mirror begins at 0.
    Raises UnknownModelError, KerasGansError for a recipe without weights, DownloadError, OfflineError.
    """
    card = registry.info(name, folder=folder)
    path, tried = store(card, [*mirrors(), str(card.folder.parent)], cache_dir, offline, progress)
    if path is None:
        raise nowhere(card, tried, offline)
    return path


def record(card: Card) -> dict[str, Any]:
    """A pretrained card's weights.json; KerasGansError, with the train command, for a recipe."""
    if card.status != "pretrained":
        raise KerasGansError(
            f"{card.name} is a recipe without weights yet: train it with `keras-gans train {card.name}`, "
            f"or build it untrained with load({card.name!r}, weights=False)."
        )
    return artifacts.read_provenance(card.folder)


def cached_path(card: Card, expected: Mapping[str, Any], cache: str | Path | None = None) -> Path:
    """Where the cache keeps a card's weights, whether or not they are there."""
    return cache_dir(cache) / "models" / card.name / f"{card.version}-{expected['sha256'][:16]}.safetensors"


def store(
    card: Card,
    sources: Iterable[str],
    cache: str | Path | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> tuple[Path | None, list[str]]:
    """Puts a card's weights into the cache from the first source that has them.

    Returns the file, or None, and what was wrong with each source that was tried before. Of many processes
    that ask at once one downloads and the others find its file.
    """
    expected = record(card)
    tried: list[str] = []
    try:
        path = cached_path(card, expected, cache)
    except DownloadError as error:
        return None, [str(error)]
    if is_sound(path, expected):  # without the lock: a cache that cannot be written may still have the file
        return path, tried
    try:
        with _lock(path):
            if is_sound(path, expected):  # another process was faster
                return path, tried
            _discard(path)
            for source in sources:
                try:
                    fetch(source, card.name, path, expected, offline=offline, progress=progress)
                    return path, tried
                except (DownloadError, OfflineError) as error:
                    if isinstance(error, DownloadError):  # a source left out on purpose is no news
                        logger.warning("%s", error)
                    tried.append(str(error))
    except OSError as error:  # the cache itself: it is a file, is read-only, or cannot be locked
        tried.append(_unusable(path, error))
        logger.warning("%s", tried[-1])
    return None, tried


def nowhere(card: Card, tried: list[str], offline: bool | None) -> KerasGansError:
    """The error for weights that no source had."""
    came = " ".join(tried)
    if is_offline(offline):
        return OfflineError(
            f"The network is off and the weights of {card.name} are not on this machine. {came} "
            f"Run `keras-gans download {card.name}` once with the network on."
        )
    return DownloadError(
        f"No source had the weights of {card.name}. {came} "
        "Reinstall keras_gans, or set KERAS_GANS_MIRROR to a mirror that has them."
    )


def discard(path: Path, expected: Mapping[str, Any]) -> None:
    """Removes a cached file that is still corrupt once its lock is held: another process may have mended it.

    A cache that cannot be written is left as it is, with a warning.
    """
    try:
        with _lock(path):
            if not is_sound(path, expected):
                _discard(path)
    except OSError as error:
        logger.warning("%s", _unusable(path, error))


def _discard(path: Path) -> None:
    if path.exists():
        logger.warning("%s was corrupt and is removed from the cache", path)
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process (and thread) at a time fills `path`; whoever holds the lock owns all its partial files.

    The lock is the system's, so a killed process lets go of it. The empty lock file stays: removing it would
    let two processes lock two different files. Raises OSError (a Timeout is one) if it cannot be had.
    """
    import filelock

    locks = path.parents[2] / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(locks / f"{path.parent.name}-{path.stem}.lock", timeout=LOCK_WAIT):
        _sweep(path)
        yield


def _sweep(path: Path) -> None:
    """Removes what killed downloads left: this file's partials at once, others' when they are an hour old."""
    for partial in path.parent.glob("*" + artifacts.PARTIAL):
        with contextlib.suppress(OSError):
            ours = partial.name.startswith(artifacts.partial_prefix(path))
            if ours or time.time() - partial.stat().st_mtime > STALE:
                partial.unlink()


def _unusable(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"The cache folder {path.parent} cannot be used ({reason}): repair it or set KERAS_GANS_HOME."


# ---- what lies in the cache -------------------------------------------------------------------------------


def cache_list(cache: str | Path | None = None) -> list[CacheEntry]:
    """The cached weights, by name and file name."""
    paths = sorted((cache_dir(cache) / "models").glob("*/*.safetensors"))
    return [
        CacheEntry(path.parent.name, path, path.stat().st_size)
        for path in paths
        if NAME.fullmatch(path.parent.name) and _CACHED.fullmatch(path.name)
    ]


def cache_verify(cache: str | Path | None = None) -> list[tuple[Path, bool]]:
    """Each cached file and whether its sha256 still begins as its name says. Nothing is removed."""
    return [
        (entry.path, artifacts.sha256(entry.path).startswith(entry.path.stem.split("-")[1]))
        for entry in cache_list(cache)
    ]


def cache_clear(names: Iterable[str] | None = None, cache: str | Path | None = None) -> int:
    """Removes cached weights, of all models or of these, and returns the bytes freed.

    Only files that this module writes are touched, so a KERAS_GANS_HOME that holds other things is safe.
    With no names the hub's copies go too. UnknownModelError, before anything is removed, for what is no name.
    """
    wanted = None if names is None else list(names)
    for name in wanted or ():
        if not NAME.fullmatch(name):
            raise registry.unknown(name)
    before = cache_list(cache)
    for path in _targets(cache):
        if wanted is None or path.parent.name in wanted:
            _remove(path)
    freed = sum(entry.bytes for entry in before if not entry.path.exists())
    return freed if wanted is not None else freed + _clear_hub(cache)


def _remove(path: Path) -> None:
    try:
        with _lock(path):  # which also removes what killed downloads of it left
            path.unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(_unusable(path, error)) from error
    with contextlib.suppress(OSError):  # another version is still there
        path.parent.rmdir()


def _targets(cache: str | Path | None) -> list[Path]:
    """Every path that is cached, or that a partial file was meant to become."""
    partials = (cache_dir(cache) / "models").glob(f"*/.*{artifacts.PARTIAL}")
    meant = {path.with_name(path.name[1:].rsplit(".", 2)[0]) for path in partials}
    paths = {entry.path for entry in cache_list(cache)} | meant
    return sorted(p for p in paths if NAME.fullmatch(p.parent.name) and _CACHED.fullmatch(p.name))


def _clear_hub(cache: str | Path | None) -> int:
    freed = 0
    for repository in _hub_folder(cache).glob("models--*--*"):
        files = [path for path in repository.rglob("*") if path.is_file() and not path.is_symlink()]
        freed += sum(path.stat().st_size for path in files)
        shutil.rmtree(repository)
    return freed


# ---- the hub ----------------------------------------------------------------------------------------------


def hub(repo: str, revision: str | None = None, cache: str | Path | None = None, offline: bool | None = None) -> Path:
    """A hub repository's model folder, by huggingface_hub, to be read and hashed like any other folder.

    Only the model folder's own files are asked for: nothing else in the repository is ever on this disk.
    Raises KerasGansError if the extra [hub] is not installed, OfflineError, DownloadError.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise KerasGansError(
            f"hf://{repo} needs huggingface_hub, which is not installed: pip install 'keras_gans[hub]'."
        ) from error
    off = is_offline(offline)
    try:
        return Path(
            snapshot_download(
                repo,
                revision=revision,
                cache_dir=_hub_folder(cache),
                allow_patterns=list(artifacts.FILES),
                local_files_only=off,
            )
        )
    except Exception as error:  # httpx's, requests' and its own: the library's set of errors changes
        fault = OfflineError if off else DownloadError
        step = "go online once" if off else "check the name, the revision and the network"
        raise fault(f"hf://{repo} could not be had ({type(error).__name__}): {step}.") from error


def _hub_folder(cache: str | Path | None) -> Path:
    return cache_dir(cache) / "keras_gans_hub"
