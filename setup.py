"""Packaging: zoo/ and cli/ are keras_gans.zoo and keras_gans.cli once installed. The rest is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = {"keras_gans": "keras_gans", "keras_gans.zoo": "zoo", "keras_gans.cli": "cli"}


def packages():
    """Every package of the three folders, by the name it is imported with."""
    return [
        name
        for package, folder in FOLDERS.items()
        for name in (package, *(f"{package}.{below}" for below in find_packages(folder)))
    ]


setup(
    package_dir=FOLDERS,
    packages=packages(),
    package_data={"keras_gans": ["py.typed"], "keras_gans.zoo": ["models/*/*", "statistics/*"]},
)
