"""In which precision this machine computes, and in which a run trains.

A precision goes by the name of what networks compute in. Weights, averages, losses and sums of gradients are float32 in
all three, and float16 has a loss scale for each player.
"""

from pathlib import Path

import keras

from keras_gans import _processor, artifacts
from keras_gans.training import run

#: {precision: the Keras policy that a model's argument `dtype` and a recipe's `dtype` name}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}

_BFLOAT16_ON_PROCESSORS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last is ARM's
_LEAST_CAPABILITY = {"bfloat16": (8, 0), "float16": (7, 0)}  # of NVIDIA's GPUs whose tensor cores know it


def best():
    """The policy that networks should train fastest in here: "mixed_bfloat16", "mixed_float16" or "float32".

    By what the devices have arithmetic for; nothing is measured. Small networks may be as fast in float32.
    """
    known = computed()
    return POLICIES[next(name for name in ("bfloat16", "float16", "float32") if name in known)]


def computed():
    """The precisions that all accelerators have arithmetic for, or, where there is none, the processor has.

    The others are emulated: on a processor that took two (float16) to six times (bfloat16) as long as float32.
    """
    found = _of_accelerators() or [_of_processor()]
    return {"float32"}.union(set.intersection(*found))


def fitting(policy):
    """A recipe's `dtype`, or "float32" where this machine would emulate it. None, for float32 too, stays None."""
    named = {kind: name for name, kind in POLICIES.items()}
    return "float32" if policy in named and named[policy] not in computed() else policy


def of_run(asked, recipe, folder):
    """The `dtype` of a run's recipe, or None for the default, float32.

    Args:
        asked: a name among `POLICIES`; or "auto": a run that has begun goes on in its own, another takes the
            recipe's, if this machine computes in it.
        recipe: a table of a card.
        folder: the run's.
    """
    path = Path(folder) / run.RUN
    begun = artifacts.read_json(path)["recipe"] if path.is_file() else None
    if asked != "auto":
        same = begun is not None and (begun.get("dtype") or "float32") == POLICIES[asked]
        return begun.get("dtype") if same else POLICIES[asked]
    return fitting(recipe.get("dtype")) if begun is None else begun.get("dtype")


def _of_processor(path=Path("/proc/cpuinfo")):
    return {"bfloat16"} if _processor.flags(path) & _BFLOAT16_ON_PROCESSORS else set()


def _of_accelerators():
    """For each accelerator, what it computes in beside float32."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        devices = [device for device in jax.local_devices() if device.platform != "cpu"]
        return [_of_accelerator(device.platform, getattr(device, "compute_capability", None)) for device in devices]
    if backend == "tensorflow":
        import tensorflow as tf

        devices = [device for device in tf.config.get_visible_devices() if device.device_type != "CPU"]
        told = [tf.config.experimental.get_device_details(device) for device in devices]
        return [
            _of_accelerator(device.device_type, details.get("compute_capability"))
            for device, details in zip(devices, told, strict=True)
        ]
    return []


def _of_accelerator(kind, capability):
    """Args:
    kind: "GPU", "TPU" or another platform's name, in any case.
    capability: (8, 0), "8.0" or None.
    """
    if kind.upper() == "TPU":
        return {"bfloat16"}
    if capability is None:  # not NVIDIA's: those of this decade know both
        return set(_LEAST_CAPABILITY)
    level = tuple(int(part) for part in capability.split(".")) if isinstance(capability, str) else tuple(capability)
    return {name for name, least in _LEAST_CAPABILITY.items() if level >= least}
