"""Whether Python, the packages and Keras's backend are what keras_gans wants. None of them is imported.

The bounds are those of the installed metadata, which pyproject.toml wrote there.
"""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from .diagnosis import OK, PROBLEM, WARNING, Finding

DISTRIBUTION = "keras-gans"
BACKENDS = ("tensorflow", "jax")
OPTIONAL = ("hub", "lsun", "jax")  # extras whose packages are held to their bounds where they are installed
# What only TensorFlow's backend and tfds: need; requirements-jax.txt leaves them out.
_OF_TENSORFLOW = frozenset(["tensorflow", "tensorflow-datasets", "importlib-resources"])


def check_packages(backend: str) -> list[Finding]:
    """Python and every required package against the bounds; one finding for all that are well."""
    try:
        bounds = metadata.metadata(DISTRIBUTION)["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        text = "keras_gans is run from a folder and not installed, so versions have no bounds to be held to"
        return [Finding(WARNING, "packages", text, "install it with `pip install .` in that folder")]
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError:
        text = "the package packaging is not installed, so versions were not compared"
        return [Finding(PROBLEM, "packages", text, "install it with `pip install packaging`")]
    python, wanted = platform.python_version(), SpecifierSet(bounds)
    if not wanted.contains(python, prereleases=True):
        return [Finding(PROBLEM, "python", f"Python {python} runs and {wanted} is wanted", "install another Python")]
    requirements = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    found = [finding for one in requirements for finding in _checked(one, backend)]
    faults = [finding for finding in found if finding.level != OK]
    text = f"Python {python} and {len(found) - len(faults)} packages are within their bounds"
    return [Finding(OK, "packages", text), *faults]


def _checked(requirement: Any, backend: str) -> Iterator[Finding]:
    """What there is to say of one requirement; nothing if it is not wanted here."""
    required = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    optional = not required and any(requirement.marker.evaluate({"extra": extra}) for extra in OPTIONAL)
    if not required and not optional:
        return
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        spared = backend != "tensorflow" and requirement.name.lower().replace("_", "-") in _OF_TENSORFLOW
        if required and not spared:
            yield _finding(PROBLEM, requirement, "is not installed")
        return
    if requirement.specifier.contains(version, prereleases=True):
        yield Finding(OK, "packages", f"{requirement.name} {version}")
    else:
        yield _finding(WARNING, requirement, f"is installed in version {version}, outside {requirement.specifier}")


def _finding(level: str, requirement: Any, what: str) -> Finding:
    pinned = f"{requirement.name}{requirement.specifier}"
    return Finding(level, "packages", f"{requirement.name} {what}", f"install it with `pip install '{pinned}'`")


def check_backend(backend: str) -> Finding:
    """Whether the backend that Keras will take is one of ours and is there to be imported."""
    if backend not in BACKENDS:
        text = f"Keras's backend is {backend[:40]!r}, with which nothing is trained"
        return Finding(WARNING, "backend", text, f"set KERAS_BACKEND to {' or '.join(BACKENDS)}")
    missing = [name for name in ("keras", backend) if not _is_there(name)]
    if missing:
        other = "jax" if backend == "tensorflow" else "tensorflow"
        advice = f"install it with `pip install {missing[0]}`"
        if missing == [backend] and _is_there(other):
            advice += f", or set KERAS_BACKEND={other}, which is there"
        return Finding(PROBLEM, "backend", f"Keras's backend is {backend}, and {missing[0]} is not installed", advice)
    return Finding(OK, "backend", f"Keras's backend is {backend}, which is installed")


def _is_there(package: str) -> bool:
    """Whether a top-level package could be imported: it is looked for and not started."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # ValueError: something put a module without a spec in its place
        return False
