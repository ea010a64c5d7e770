"""The whole state of a run in one file: weights, optimizers, average, counters. A resumed run goes on bit for bit.

A checkpoint is `step-<number>-<sha256, 16 digits>.safetensors`: its own name says what its bytes must hash to. It is
written beside, synced and moved; the previous one is kept until the next is there, and taken where the newest is bad.
A process that is killed as it writes leaves a partial file, which the next one removes.
"""

import json
import logging
import re
from pathlib import Path

import keras
import numpy as np
import safetensors.numpy

from keras_gans import artifacts
from keras_gans.training import distribution

log = logging.getLogger("keras_gans")
_NAME = re.compile(r"step-(\d{9})-([0-9a-f]{16})\.safetensors")
_PARTIAL = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(artifacts.PARTIAL)}")


def state_variables(model):
    """{name: Keras variable} of all that training changes, in a fixed order. Metrics are not part of it."""
    named = [f"{player}_optimizer" for player in getattr(model, "players", ())] or ["optimizer"]
    owners = [("model", model), *((name, getattr(model, name)) for name in named)]
    found = {}
    for owner, thing in owners:
        metrics = {id(v) for v in getattr(thing, "metrics_variables", [])}
        kept = [v for v in thing.variables if id(v) not in metrics]
        # By number and own name: paths hold layers that Keras numbers through a whole process (adam_5).
        found.update({f"{owner}/{i:04d}/{v.name}": v for i, v in enumerate(kept)})
    return found


def save(model, folder, record, keep=2):
    """Writes the model's state and `record` (what JSON can hold). Returns the path, or None.

    None: a value is not finite, and nothing was written. Of several processes the chief alone writes.

    Raises:
        CheckpointError: the folder does not take the file; the checkpoints before it stay.
    """
    folder = Path(folder)
    if not distribution.place(model).chief:
        return folder  # where the chief writes
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.array(keras.ops.convert_to_numpy(v), order="C") for name, v in state_variables(model).items()}
    if not all(np.isfinite(t).all() for t in tensors.values()):
        log.warning("a weight is not finite: no checkpoint was written, the previous one stays")
        return None
    data = safetensors.numpy.save(tensors, metadata={"record": json.dumps(record)})
    path = folder / f"step-{model.steps_taken:09d}-{artifacts.sha256_bytes(data)[:16]}.safetensors"
    _write(path, data)
    for old in _superseded(path, keep):
        old.unlink(missing_ok=True)
    return path


def _write(path, data):
    try:
        artifacts.write_atomically(path, data)
    except OSError as error:
        raise artifacts.CheckpointError(
            f"A checkpoint of {len(data):,} bytes could not be written in {path.parent} ({error.strerror}): those "
            "before it stay; make room there, and start the same run again to go on."
        ) from error


def _superseded(path, keep):
    """The checkpoints that nobody needs once `path` is written: others of its step, all but the last, damaged ones.

    One of a later step is damaged if the run was resumed before it. It would count as one of the last.
    """
    others = [other for other in found(path.parent) if other != path]
    same = [other for other in others if _step(other) == _step(path)]
    damaged = [other for other in others if _step(other) > _step(path) and _read(other) is None]
    before = [other for other in others if _step(other) < _step(path)]
    return [*same, *damaged, *before[: max(0, len(before) - keep + 1)]]


def _step(path):
    return int(_NAME.fullmatch(path.name)[1])


def clear_partial_files(folder):
    """Removes what processes that were killed had begun to write, in the folder and those below."""
    for path in Path(folder).rglob(f".*{artifacts.PARTIAL}"):
        if _PARTIAL.fullmatch(path.name):
            path.unlink(missing_ok=True)


def found(folder):
    """Checkpoints of a folder, the oldest first."""
    return sorted(path for path in Path(folder).glob("step-*.safetensors") if _NAME.fullmatch(path.name))


def restore(model, folder, run=None):
    """Sets the model to the newest checkpoint that is whole. Returns its record, or None where there is none.

    Of several processes the chief alone reads, and the others get from it what it read.

    Args:
        model: compiled as it was when the checkpoint was written.
        folder: of the checkpoints.
        run: values that the record must have; None among them is not compared.

    Raises:
        CheckpointError: there are checkpoints, and none of them is whole or fits this model; nothing was set.
    """
    path, data = _newest(folder) if distribution.place(model).chief else (Path(folder), b"")
    data = distribution.from_chief(model, data)
    if not data:
        return None
    tensors, record = _parsed(data)
    _compare(record, run or {}, path)
    return _assign(model, path, (tensors, record))


def _newest(folder):
    """(path, bytes) of the newest checkpoint that is whole; without bytes where there is none at all."""
    paths = found(folder)
    for path in reversed(paths):
        data = _read(path)
        if data is not None:
            return path, data
        log.warning("%s is damaged: the checkpoint before it is taken", path)
    if paths:
        raise artifacts.CheckpointError(
            f"None of the {len(paths)} checkpoints in {folder} is whole: start again in another folder."
        )
    return Path(folder), b""


def _read(path):
    """A checkpoint's bytes, or None if they are not those that were written."""
    data = path.read_bytes()
    return data if artifacts.sha256_bytes(data)[:16] == _NAME.fullmatch(path.name)[2] else None


def _parsed(data):
    """(tensors, record) of a checkpoint's bytes."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return safetensors.numpy.load(data), json.loads(header["__metadata__"]["record"])


def _compare(record, run, path):
    for key, value in run.items():
        if None not in (value, record.get(key)) and record[key] != value:
            raise artifacts.CheckpointError(
                f"{path} belongs to a run with {key.replace('_', ' ')} {str(record[key])[:16]}, "
                f"and {str(value)[:16]} was given: give the same, or train in another folder."
            )


def _assign(model, path, read):
    tensors, record = read
    variables = state_variables(model)
    try:
        shapes = {name: tuple(v.shape) for name, v in variables.items()}
        artifacts.match(tensors, shapes, f"this {type(model).__name__}")
    except artifacts.IncompatibleWeightsError as error:
        raise artifacts.CheckpointError(
            f"{path} belongs to another model or was compiled otherwise: build and compile the same one, or train in "
            f"another folder. {error}"
        ) from error
    for name, variable in variables.items():
        variable.assign(tensors[name])
    return record
