"""`keras_gans.benchmark`: how fast, how large and how good each model is, on this machine.

Every model is measured in a process of its own, so that its memory and the time to load it are its own. This file is
also what runs there: `python -m keras_gans.api.benchmark '<request>'` prints one line of JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from keras_gans._peak import peak_bytes
from keras_gans.artifacts import KerasGansError

BATCH_SIZES = (1, 16, 64)
REPEATS = 5
TRAIN_BATCH = 64


def benchmark(
    names: Iterable[str | os.PathLike[str]] | None = None,
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    repeats: int = REPEATS,
    train: bool = True,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measures models on this machine: medians over repeats, after a warm-up, each in a fresh process.

    Args:
        names: published names or model folders. None: all that are pretrained and draw.
        batch_sizes: images drawn at once.
        repeats: of each measurement, at least 1.
        train: whether training is measured too, on random images, batches of 64, at the model's own precision.
        progress: function that is told each name before it is measured.

    Returns:
        {"machine": {"hardware", "versions"}, "repeats": int, "models": [row, ...]}, JSON as it is. A row has name,
        version, parameters, bytes, scores (as scores.json has them); precision, {"drawing", "training"}, in words;
        load_s, samples_per_s (by batch size) and train_images_per_s, each {"median", "low", "high"} of the repeats;
        first_load_s, the load that warmed up; memory_mb and train_memory_mb, one reading each: the process at its
        highest, beyond what Keras and its backend take by themselves.

    Raises:
        UnknownModelError, KerasGansError: there is no such model, or it could not be run.
    """
    from keras_gans.zoo import registry

    if names is None:
        names = [card.name for card in registry.list_models(task="generate", status="pretrained")]
    chosen = [(name, registry.find(name)) for name in names]
    if repeats < 1 or not batch_sizes or min(batch_sizes) < 1:
        raise ValueError(f"repeats and batch_sizes are whole numbers above 0, got {repeats!r} and {batch_sizes!r}")
    found: dict[str, Any] = {"repeats": repeats, "models": []}
    for name, card in chosen:
        if card.task != "generate":
            raise KerasGansError(f"{card.name} draws nothing: a benchmark is of models that do.")
        if progress is not None:
            progress(card.name)
        request = {"name": os.fspath(name), "is_path": not isinstance(name, str), "batch_sizes": list(batch_sizes)}
        measured = _in_a_process({**request, "repeats": repeats, "train": train})
        found["machine"] = measured.pop("machine")
        found["models"].append({**_known(card), **measured})
    return found


def _known(card: Any) -> dict[str, Any]:
    """What the model's folder says."""
    from keras_gans import artifacts

    record = artifacts.read_provenance(card.folder)
    path = card.folder / artifacts.SCORES
    scores = artifacts.read_json(path) if path.is_file() else {}
    return {
        "name": card.name,
        "version": card.version,
        "parameters": record["parameters"],
        "bytes": record["bytes"],
        "scores": scores.get("scores", []) if scores.get("sha256") == record["sha256"] else [],
    }


def _in_a_process(request: dict[str, Any]) -> dict[str, Any]:
    """What `_measured` gives for a request, in a fresh interpreter."""
    import keras_gans

    root = str(Path(keras_gans.__file__).resolve().parents[1])
    before = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": root + (os.pathsep + before if before else "")}
    command = [sys.executable, "-m", "keras_gans.api.benchmark", json.dumps(request)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1][:300]
        raise KerasGansError(f"{request['name']} could not be measured ({reason}): try `keras-gans generate` with it.")
    return json.loads(ended.stdout.splitlines()[-1])


def _measured(request: dict[str, Any]) -> dict[str, Any]:
    """The measurements, in the process that is the model's own."""
    from keras_gans import api
    from keras_gans.training import run

    name = Path(request["name"]) if request["is_path"] else request["name"]
    repeats, empty = request["repeats"], peak_bytes() / 1e6
    first, *loading = [_seconds(lambda: api.load(name)) for _ in range(1 + repeats)]
    model = api.load(name)
    row: dict[str, Any] = {"precision": _precision(model), "load_s": _spread(loading), "first_load_s": first}
    row["samples_per_s"] = {}
    for size in request["batch_sizes"]:
        count = size * max(1, 64 // size)

        def draw(size: int = size, count: int = count) -> None:
            model.generate(count, batch_size=size)

        draw()
        row["samples_per_s"][str(size)] = _spread([count / _seconds(draw) for _ in range(repeats)])
    row["memory_mb"] = round(peak_bytes() / 1e6 - empty)
    if request["train"]:
        row["train_images_per_s"] = _spread(_training(model, repeats))
        row["train_memory_mb"] = round(peak_bytes() / 1e6 - empty)
    return {**row, "machine": run.machine()}


def _precision(model: Any) -> dict[str, str]:
    """What the layers compute in. Drawing never rounds the factors of products; training may, where a GPU does."""
    dtypes = {
        kind: ", ".join(sorted({layer.compute_dtype for network in networks for layer in network.layers}))
        for kind, networks in (("drawing", [model.sampler()]), ("training", [model.generator, model.discriminator]))
    }
    return {**dtypes, "training": dtypes["training"] + _rounded()}


def _rounded() -> str:
    """What accelerators do to the factors of float32 products, in words; "" where there are none."""
    import keras

    from keras_gans.training import backend

    if not backend.accelerators():
        return ""
    if keras.backend.backend() == "jax":
        return " with products at JAX's own precision"
    import tensorflow as tf

    return " with products in TensorFloat-32" if tf.config.experimental.tensor_float_32_execution_enabled() else ""


def _training(model: Any, repeats: int) -> list[float]:
    """Images a second of single steps, after two that trace and warm up."""
    import keras
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (TRAIN_BATCH * (repeats + 2), *model.image_shape), dtype="uint8")
    labels: Any = None if model.num_classes is None else np.arange(len(images)) % model.num_classes
    if hasattr(model, "prompted"):
        labels = [model.examples[i % len(model.examples)] for i in range(len(images))]
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter()))
    model.compile()
    model.fit(images, labels, batch_size=TRAIN_BATCH, epochs=1, verbose=0, callbacks=[clock])
    return [TRAIN_BATCH / (after - before) for before, after in itertools.pairwise(ends[1:])]


def _seconds(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


if __name__ == "__main__":
    print(json.dumps(_measured(json.loads(sys.argv[1]))))
