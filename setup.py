"""Packaging: zoo/ and cli/ are keras_gans.zoo and keras_gans.cli once installed."""

from setuptools import setup

setup(package_dir={"keras_gans": "keras_gans", "keras_gans.zoo": "zoo", "keras_gans.cli": "cli"})
