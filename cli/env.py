"""keras-gans env"""

from __future__ import annotations

import os
import platform
from typing import Any

import click

from . import output, quiet

PACKAGES = (
    "keras_gans",
    "keras",
    "tensorflow",
    "tensorflow-datasets",
    "jax",
    "numpy",
    "pillow",
    "safetensors",
    "pooch",
    "huggingface_hub",
)


@click.command()
@click.option("--devices", is_flag=True, help="Ask the backend for its devices too; takes seconds.")
@output.json_option
def command(devices: bool, as_json: bool) -> None:
    """Show versions and settings, for a bug report.

    \b
      keras-gans env
      keras-gans env --devices --json
    """
    found: dict[str, Any] = {"versions": versions(), "settings": settings()}
    if devices:
        found["devices"] = _devices()
    if as_json:
        output.say_json(found)
        return
    for key, value in {**found["versions"], **found["settings"]}.items():
        output.say(f"{key:<20} {'-' if value in (None, []) else value}")
    if devices:
        output.say(f"{'devices':<20} {', '.join(found['devices'])}")


def versions() -> dict[str, Any]:
    """{package: version, or None if it is not installed}, without importing any of them."""
    from importlib import metadata

    import keras_gans

    def version(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    found = {"python": platform.python_version(), "platform": platform.platform()}
    return {**found, **{name: version(name) for name in PACKAGES}, "keras_gans": keras_gans.__version__}


def settings() -> dict[str, Any]:
    """What the environment says, and what follows from it."""
    from keras_gans import artifacts
    from keras_gans.zoo import download, registry, transfer

    return {
        "keras backend": backend(),
        "cache": str(download.cache_dir()),
        "mirrors": [transfer.without_password(mirror) for mirror in download.mirrors()],
        "offline": artifacts.is_offline(),
        "models": str(registry.models_folder()),
        "TFDS_DATA_DIR": os.environ.get("TFDS_DATA_DIR"),
    }


def backend() -> str:
    """The backend that Keras would take: by its environment variable, its own file, or its default."""
    return os.environ.get("KERAS_BACKEND") or _backend_of_file() or "tensorflow"


def _backend_of_file() -> str | None:
    """The backend that Keras's own settings file names."""
    from keras_gans import artifacts

    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        return artifacts.read_json(os.path.join(home, "keras.json")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


def _devices() -> list[str]:
    quiet.import_keras()
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return [f"{device.platform.upper()} {device}" for device in jax.devices()]
    import tensorflow as tf

    return [f"{device.device_type} {device.name}" for device in tf.config.list_physical_devices()]
