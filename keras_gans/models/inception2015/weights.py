"""Reads the weights from the files that people have, and writes them to one of our own.

    classify_image_graph_def.pb    the frozen graph
    inception-2015-12-05.tgz       the archive that holds it
    *.safetensors                  what `Inception2015.save` writes: "<layer>/<variable>", "mixed_3.tower.conv_1/kernel"

No code of a file runs, and the bytes that are read or unpacked are limited.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from keras_gans.artifacts import IncompatibleWeightsError, KerasGansError, WeightsCorruptedError, sha256_bytes
from keras_gans.models.inception2015 import graphdef, structure

GRAPH = "classify_image_graph_def.pb"
ARCHIVE_URL = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
#: A copy of the graph alone, at which guided-diffusion's evaluator points.
GRAPH_URL = f"https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/{GRAPH}"
#: Of the graph of 95,673,916 bytes, as several projects that evaluate with it have written down.
GRAPH_SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"
WANTED = f"{GRAPH}, the inception-2015-12-05.tgz that holds it, or a .safetensors that Inception2015.save wrote"
LIMIT = 256 * 2**20  # bytes of a file, and of what an archive unpacks to: 2.7 times the real graph
MOST_MEMBERS = 1000  # of an archive that are looked at; the real one has five


@dataclass(frozen=True)
class Read:
    """What a file held.

    Attributes:
        tensors: {our name: anything with a shape that NumPy makes an array of}; not yet compared with the network.
        sha256: of the graph or .safetensors, 64 hex digits; of an archive, that of the graph in it.
    """

    tensors: Mapping[str, Any]
    sha256: str


def read(path: str | os.PathLike[str]) -> Read:
    """The tensors of a file, which is known by its first bytes and not by its name.

    Raises:
        WeightsCorruptedError: it cannot be read, or is none of the three kinds, or too large, or damaged.
        IncompatibleWeightsError: it is a graph of another structure.
        KerasGansError: it is a URL or a PyTorch file, which are not read.
    """
    data = _bytes_of(path)
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data, path)
    if data[:4] == b"PK\x03\x04" or data[:2] == b"\x80\x02":
        raise KerasGansError(f"{path} looks like a PyTorch file, which is not unpickled here: give {WANTED}.")
    tensors = _from_safetensors(data, path) if data[8:9] == b"{" else _from_graph(data, path)
    return Read(tensors, sha256_bytes(data))


def arrays(tensors: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], what: str) -> dict[str, np.ndarray]:
    """{name: finite float32 array} of just these names and shapes.

    Args:
        tensors: {name: what NumPy makes an array of}; nothing of a wrong name or shape is made one.
        shapes: {name: shape} of all that is wanted.
        what: how the error texts call them.

    Raises:
        IncompatibleWeightsError: names, shapes or dtypes are others.
        WeightsCorruptedError: a value is NaN or infinite.
    """
    faults = list(_faults(tensors, shapes))
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise IncompatibleWeightsError(
            f"{what} does not hold the weights of the Inception network of 2015-12-05 ({faults[0]}{more}): "
            f"give {WANTED}."
        )
    made = {name: np.asarray(tensors[name]) for name in shapes}
    for name, array in made.items():
        if array.dtype != np.float32:
            raise IncompatibleWeightsError(f"{what} has {name!r} in {array.dtype} instead of float32: give {WANTED}.")
        if not np.isfinite(array).all():
            raise WeightsCorruptedError(f"{what} has values in {name!r} that are not finite: give {WANTED}.")
    return made


def _faults(tensors: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    for name, shape in shapes.items():
        if name not in tensors:
            yield f"no {name!r}"
        elif tuple(tensors[name].shape) != tuple(shape):
            yield f"{name!r} has the shape {tuple(tensors[name].shape)} instead of {tuple(shape)}"
    yield from (f"an unknown {name[:100]!r}" for name in tensors if name not in shapes)


def to_bytes(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The .safetensors of these tensors: the same bytes for the same weights, whatever file they came from."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)})


# ---- files ------------------------------------------------------------------------------------------------


def _bytes_of(path: str | os.PathLike[str]) -> bytes:
    if re.match("[a-z]{2,}:/", str(path)):  # of "://", a Path leaves one slash
        raise KerasGansError(f"The path of a file was wanted and the URL {path} came: fetch it first.")
    try:
        size = Path(path).stat().st_size
        if not Path(path).is_file():
            raise _unreadable(path, "no file")
        if size > LIMIT:
            raise _unreadable(path, f"{size:,} bytes, and {LIMIT:,} are the most")
        return Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error


def _unreadable(path: Any, why: str) -> WeightsCorruptedError:
    return WeightsCorruptedError(
        f"{path} cannot be read as the Inception network of 2015-12-05 ({why}): give {WANTED}."
    )


def _unpacked(data: bytes, path: Any) -> bytes:
    """The graph in a .tgz, which is unpacked in memory up to LIMIT, whatever its headers claim."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(LIMIT + 1)
        if len(plain) > LIMIT:
            raise _unreadable(path, f"it unpacks to over {LIMIT:,} bytes")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in itertools.islice(archive, MOST_MEMBERS):
                if PurePosixPath(member.name).name == GRAPH and member.isfile() and not member.issparse():
                    return archive.extractfile(member).read()  # type: ignore[union-attr]
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        raise _unreadable(path, f"not a sound .tgz, {_line(error)}") from error
    raise _unreadable(path, f"no {GRAPH} in it")


def _from_safetensors(data: bytes, path: Any) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise _unreadable(path, f"not a sound .safetensors, {_line(error)}") from error


def _from_graph(data: bytes, path: Any) -> dict[str, graphdef.Tensor]:
    try:
        nodes = graphdef.read(data)
        fault = structure.fault(nodes)
        tensors = dict(_named(nodes))
    except graphdef.MalformedGraph as error:
        raise _unreadable(path, f"as a frozen TensorFlow graph: {error}") from error
    if fault:
        raise IncompatibleWeightsError(f"{path} is not the Inception graph of 2015-12-05 ({fault}): give {WANTED}.")
    return tensors


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


# ---- names ------------------------------------------------------------------------------------------------

STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")
ONE = np.ones(1, "float32")


def _named(nodes: Mapping[str, graphdef.Node]) -> Iterator[tuple[str, Any]]:
    """(our name, tensor) of the graph's constants that are weights."""
    for name, node in nodes.items():
        layer, _, variable = name.rpartition("/")
        ours = _our_name(layer, variable)
        tensor = node.tensor() if ours else None
        if tensor is not None:
            yield ours, graphdef.Tensor(tensor.shape, ONE) if variable == "gamma" and _unused(layer, nodes) else tensor


def _unused(layer: str, nodes: Mapping[str, graphdef.Node]) -> bool:
    """Whether the normalisation does not multiply by its gain, though the graph holds one."""
    return layer in nodes and nodes[layer].flag("scale_after_normalization") is False


def _our_name(layer: str, variable: str) -> str:
    """As "mixed/conv", "conv2d_params" -> "mixed.conv/kernel"; "" of what is no weight of the network."""
    if (layer, variable) == ("softmax", "weights"):
        return "logits/kernel"
    dotted = layer.replace("/", ".")
    if variable == "conv2d_params":
        return f"{dotted}/kernel"
    return f"{dotted}/{variable}" if layer.endswith("/batchnorm") and variable in STATISTICS else ""
