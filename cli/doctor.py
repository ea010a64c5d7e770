"""keras-gans doctor"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from . import env, output

_OFF = ("", "0", "false", "no", "off")


@click.command(short_help="Check registry, cache, mirrors and packages.")
@click.option("--cache-dir", type=click.Path(), help="Instead of the user's cache folder.")
@output.json_option
@click.pass_context
def command(ctx: click.Context, cache_dir: str | None, as_json: bool) -> None:
    """Check this installation: one line a check, and what to do where something is amiss.

    Looks at the published cards and weights, the cache, the mirrors in KERAS_GANS_MIRROR (which are asked for
    one byte, unless KERAS_GANS_OFFLINE is set), the versions of Python and packages, and the settings. Nothing
    is changed. Exit code 0 without a problem, 1 with one.

    \b
      keras-gans doctor
      KERAS_GANS_OFFLINE=1 keras-gans doctor --json
    """
    found = findings(cache_dir)
    if as_json:
        output.say_json([finding._asdict() for finding in found])
    else:
        for finding in found:
            output.say(f"{finding.level:<8} {finding.check:<9} {finding}")
    if any(finding.level == "problem" for finding in found):
        ctx.exit(1)


def findings(cache_dir: str | None = None) -> list[Any]:
    """All that `doctor` says, in order."""
    from keras_gans.zoo import diagnosis, installation

    read, cards = diagnosis.check_registry()
    backend = env.backend()
    return [
        *read,
        *diagnosis.check_weights(cards),
        *diagnosis.check_cache(cache_dir, diagnosis.total_bytes(cards)),
        *diagnosis.check_mirrors(cards),
        *installation.check_packages(backend),
        installation.check_backend(backend),
        *_settings(),
    ]


def _settings() -> list[Any]:
    """Whether the variables that hold a switch or a number say one."""
    from keras_gans.artifacts import ON
    from keras_gans.zoo.diagnosis import OK, WARNING, Finding

    found = []
    text = os.environ.get("KERAS_GANS_OFFLINE", "").strip()
    if text.lower() not in (*ON, *_OFF):
        said = f"KERAS_GANS_OFFLINE is {text[:40]!r}, which is read as no"
        found.append(Finding(WARNING, "settings", said, "set it to 1 to keep off the network, or unset it"))
    found += [finding for name, read in _caps().items() if (finding := _cap(name, read)) is not None]
    if found:
        return found
    network = "off" if text.lower() in ON else "on"
    return [Finding(OK, "settings", f"the network is {network}, and {' and '.join(_caps())} can be read")]


def _caps() -> dict[str, Callable[[], int]]:
    """The variables that hold a number, and what reads each."""
    from keras_gans.data import encoded, images

    return {
        "KERAS_GANS_MAX_PIXELS": images.max_pixels_allowed,
        "KERAS_GANS_MAX_DECODED": encoded.max_decoded_bytes,
    }


def _cap(name: str, read: Callable[[], int]) -> Any:
    from keras_gans.artifacts import DataError
    from keras_gans.zoo.diagnosis import PROBLEM, Finding

    try:
        read()
    except DataError:
        return Finding(PROBLEM, "settings", f"{name} is {os.environ[name][:40]!r} and no number", "set it like 64e6")
    return None
