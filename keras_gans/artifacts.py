"""A model folder on disk: read it, write it, hash it, check it. The ground floor: no Keras, no TensorFlow.

    card.toml            what the model is (keras_gans.zoo.card says which keys)
    weights.safetensors  the tensors
    weights.json         what those bytes must be: size, sha256, counts, and where they come from
    scores.json          what was measured
    samples.png          a seeded grid

The bytes of a weights file are hashed before they are parsed, every time: safetensors itself does not notice
a flipped bit. NumPy and safetensors are imported where they are used, so that a listing stays light.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

    Tensors = dict[str, np.ndarray]

CARD = "card.toml"
WEIGHTS = "weights.safetensors"
PROVENANCE = "weights.json"
SCORES = "scores.json"
SAMPLES = "samples.png"
PROMPTS = "prompts.txt"  # a sentence a line: what a text-to-image model is measured on
FILES = (CARD, WEIGHTS, PROVENANCE, SCORES, SAMPLES, PROMPTS)  # what travels, of a model folder
PARTIAL = ".partial"  # how a file that is still being written ends

_DTYPES = frozenset(["float16", "float32", "float64", "bool"]) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


# ---- errors: every text says what was wanted, what came, and ends with the next step ----------------------


class KerasGansError(Exception):
    """Anything that this library refuses to do, with the next step in its text."""


class UnknownModelError(KerasGansError, LookupError):
    """No model goes by that name, and no folder or hub repository either."""


class WeightsCorruptedError(KerasGansError):
    """The bytes of a weights file are not the ones that were published."""


class IncompatibleWeightsError(KerasGansError):
    """Sound tensors, but not this model's."""


class DownloadError(KerasGansError):
    """No source had the file, or the cache could not take it."""


class OfflineError(KerasGansError):
    """The file is not on this machine and the network is switched off."""


class CardError(KerasGansError):
    """A card.toml that cannot be read or does not say what it must."""


class CheckpointError(KerasGansError):
    """A training run that cannot be resumed from what is on disk."""


class DataError(KerasGansError, ValueError):
    """Images or labels that a model cannot take."""


class MetricError(KerasGansError, ValueError):
    """What a metric cannot be computed from: too few samples, other shapes, values that are not finite."""


class ProtocolError(KerasGansError, ValueError):
    """Two scores that were not measured in the same way, and so say nothing about one another."""


# ---- bytes ------------------------------------------------------------------------------------------------


def sha256_bytes(data: bytes) -> str:
    """The SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file as 64 hex digits, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to that becomes `path` only when the block ends well.

    It lies beside `path` under a name of its own, so the move is atomic and two writers never share it.
    After any failure the partial file is gone and what stood at `path` before still stands there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{partial_prefix(path)}{secrets.token_hex(8)}{PARTIAL}")
    try:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name on empty bytes
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def partial_prefix(path: Path) -> str:
    """How the names of `path`'s partial files begin (cut, or a long name would pass the 255 byte limit)."""
    return f".{path.name[:40]}."


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces `path` by `data` in one move; the old file survives any failure."""
    with replacing(path) as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    """Makes the move itself durable, where the system lets a folder be synced (Windows does not)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# ---- settings ---------------------------------------------------------------------------------------------


ON = ("1", "true", "yes", "on")  # what switches on a variable of the environment


def is_offline(offline: bool | None = None) -> bool:
    """Whether the network is off: the argument, else KERAS_GANS_OFFLINE (1, true, yes, on; anything else is no)."""
    if offline is not None:
        return offline
    return os.environ.get("KERAS_GANS_OFFLINE", "").strip().lower() in ON


# ---- card.toml and the JSON files -------------------------------------------------------------------------


def read_card(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """card.toml as a dict; CardError if it is missing or not TOML. What it says is checked by zoo.card."""
    path = Path(folder) / CARD
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(
            f"No {CARD} could be read in {folder} ({_reason(error)}): give a folder with a model."
        ) from error
    except (ValueError, RecursionError) as error:  # TOML and Unicode errors are both ValueErrors
        raise CardError(f"{path} is not valid TOML: {error}; correct it.") from error


def write_card(folder: str | os.PathLike[str], card: Mapping[str, Any]) -> None:
    """Writes card.toml atomically. The dict must hold what TOML can say (no None)."""
    import tomli_w

    text = tomli_w.dumps(card, multiline_strings=False)
    write_atomically(Path(folder) / CARD, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], obj: Any) -> None:
    """Writes `obj` as indented JSON, atomically. NaN is refused: it is not JSON."""
    write_atomically(path, _json(obj))


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a JSON file; a ValueError or an OSError is the caller's to explain."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_provenance(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """weights.json, checked as far as `parse_weights` relies on it.

    Returns {"file", "sha256", "bytes", "parameters", "tensors", "provenance": {...}}.
    Raises WeightsCorruptedError if it is missing, not JSON, or lacks a key.
    """
    path = Path(folder) / PROVENANCE
    try:
        record = read_json(path)
    except OSError as error:
        raise WeightsCorruptedError(
            f"{path} could not be read ({_reason(error)}), so the weights cannot be checked: save again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise WeightsCorruptedError(f"{path} is not valid JSON ({error}): save the model again.") from error
    wrong = _wrong_key(record)
    if wrong:
        raise WeightsCorruptedError(f"{path} has no usable {wrong}: save the model again.")
    return record


def _wrong_key(record: Any) -> str | None:
    """The first thing in weights.json that is not as `write_weights` writes it."""
    if not isinstance(record, dict):
        return "table of keys"
    if not (isinstance(record.get("sha256"), str) and _SHA256.fullmatch(record["sha256"])):
        return "'sha256'"
    for key in ("bytes", "parameters", "tensors"):
        if type(record.get(key)) is not int or record[key] < 0:
            return repr(key)
    return None if isinstance(record.get("provenance"), dict) else "'provenance'"


def write_prompts(folder: str | os.PathLike[str], sentences: Sequence[str]) -> None:
    """Writes prompts.txt, a sentence a line."""
    lines = [" ".join(sentence.split()) for sentence in sentences]
    write_atomically(Path(folder) / PROMPTS, ("\n".join(lines) + "\n").encode("utf-8", "replace"))


def read_prompts(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The sentences in a folder's prompts.txt; none where there is no such file."""
    path = Path(folder) / PROMPTS
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return tuple(line.strip() for line in lines if line.strip())


def _json(obj: Any) -> bytes:
    return (json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


# ---- weights ----------------------------------------------------------------------------------------------


def write_weights(
    folder: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes weights.safetensors, then the weights.json that vouches for it; returns what weights.json says.

    A crash between the two leaves a pair that does not agree, which `read_weights` refuses; it never
    leaves one that reads as something else. Nothing is written if a tensor is not finite.

    Raises WeightsCorruptedError for NaN or infinity, IncompatibleWeightsError for a dtype that cannot travel.
    """
    import numpy as np
    from safetensors.numpy import save

    # safetensors copies raw memory: anything but C order would be written scrambled.
    dense = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    for name, tensor in dense.items():
        if tensor.dtype.name not in _DTYPES:
            raise IncompatibleWeightsError(
                f"Tensor {name!r} is {tensor.dtype}, which a weights file cannot hold: convert it to float32."
            )
    _refuse_non_finite(dense, "Nothing was written: save a model whose training has not diverged.")
    data = save(dense)
    record = {
        "file": WEIGHTS,
        "sha256": sha256_bytes(data),
        "bytes": len(data),
        "parameters": sum(int(tensor.size) for tensor in dense.values()),
        "tensors": len(dense),
        "provenance": dict(provenance),
    }
    text = _json(record)  # before the first write: what JSON cannot say must not cost the old weights
    write_atomically(Path(folder) / WEIGHTS, data)
    write_atomically(Path(folder) / PROVENANCE, text)
    return record


def read_weights(folder: str | os.PathLike[str], provenance_folder: str | os.PathLike[str] | None = None) -> Tensors:
    """The tensors of a model folder, checked against its weights.json (or `provenance_folder`'s).

    Raises WeightsCorruptedError unless size, sha256, counts and finiteness are all as recorded.
    """
    expected = read_provenance(folder if provenance_folder is None else provenance_folder)
    return parse_weights(read_bytes(Path(folder) / WEIGHTS, expected), expected, str(Path(folder) / WEIGHTS))


def read_bytes(path: Path, expected: Mapping[str, Any]) -> bytes:
    """The bytes of a weights file, not yet hashed; a wrong size is refused without reading it."""
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise WeightsCorruptedError(_size_message(str(path), size, expected))
        return path.read_bytes()
    except OSError as error:
        raise WeightsCorruptedError(
            f"{path} could not be read ({_reason(error)}): save or download the model again."
        ) from error


def check_bytes(data: bytes, expected: Mapping[str, Any], what: str = WEIGHTS) -> None:
    """Raises WeightsCorruptedError unless `data` has the size and the sha256 that weights.json records."""
    if len(data) != expected["bytes"]:
        raise WeightsCorruptedError(_size_message(what, len(data), expected))
    found = sha256_bytes(data)
    if found != expected["sha256"]:
        raise WeightsCorruptedError(
            f"{what} is not the file that was published: its sha256 begins {found[:12]}, not "
            f"{expected['sha256'][:12]}; save or download the model again."
        )


def parse_weights(data: bytes, expected: Mapping[str, Any], what: str = WEIGHTS) -> Tensors:
    """Tensors from the bytes of a weights file, hashed against `expected` before they are parsed.

    data: a safetensors file.
    expected: weights.json, as `read_provenance` returns it.
    what: how error texts call the file.
    Raises WeightsCorruptedError.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    check_bytes(data, expected, what)
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise WeightsCorruptedError(f"{what} is not a safetensors file ({error}): save the model again.") from error
    parameters = sum(int(tensor.size) for tensor in tensors.values())
    if (len(tensors), parameters) != (expected["tensors"], expected["parameters"]):
        raise WeightsCorruptedError(
            f"{what} holds {len(tensors)} tensors of {parameters} values and {PROVENANCE} says "
            f"{expected['tensors']} of {expected['parameters']}: save the model again."
        )
    _refuse_non_finite(tensors, f"{what} must not be loaded: save a model whose training has not diverged.")
    return tensors


def round_matrices(tensors: Mapping[str, np.ndarray]) -> Tensors:
    """float32 tensors of two or more dimensions as float16; everything else as it is.

    Halves a file and moves pixels by at most one level. Vectors (biases, statistics) stay exact: they are few
    and their range is wide. Raises IncompatibleWeightsError if a value is too large for float16 (65504).
    """
    import numpy as np

    rounded = {}
    for name, tensor in tensors.items():
        if tensor.ndim >= 2 and tensor.dtype == np.float32:
            with np.errstate(over="ignore"):
                tensor = tensor.astype(np.float16)
            if not np.isfinite(tensor).all():
                raise IncompatibleWeightsError(
                    f"Tensor {name!r} has values beyond float16's 65504: publish this model in float32."
                )
        rounded[name] = tensor
    return rounded


def match(tensors: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Raises IncompatibleWeightsError unless names and shapes are exactly the expected ones.

    tensors: what a file holds. expected: name -> shape, what the model has.
    what: how to call the model that the weights do not fit, as in "this DCGAN".
    """
    missing = [repr(name) for name in expected if name not in tensors]
    unexpected = [repr(name) for name in tensors if name not in expected]
    misshapen = [
        f"{name!r} {tuple(tensors[name].shape)} instead of {tuple(shape)}"
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    groups = {"missing": missing, "unexpected": unexpected, "of another shape": misshapen}
    faults = [f"{label}: {_few(items)}" for label, items in groups.items() if items]
    if faults:
        raise IncompatibleWeightsError(
            f"These weights do not fit {what} ({'; '.join(faults)}): "
            "load them into a model that was built with the same arguments."
        )


def _few(items: list[str], most: int = 3) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _refuse_non_finite(tensors: Mapping[str, np.ndarray], advice: str) -> None:
    import numpy as np

    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise WeightsCorruptedError(f"Tensor {name!r} has values that are not finite. {advice}")


def _size_message(what: str, size: int, expected: Mapping[str, Any]) -> str:
    return f"{what} has {size} bytes and the published file has {expected['bytes']}: save or download the model again."


def name_from(folder: str | os.PathLike[str]) -> str:
    """A model name ([a-z0-9_]{1,64}) made of a folder's own."""
    name = "".join(
        c if c in "abcdefghijklmnopqrstuvwxyz0123456789_" else "_" for c in Path(folder).resolve().name.lower()
    )
    return name[:64] or "model"
