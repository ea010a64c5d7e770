"""Lets a checkout that is not installed find zoo/ and cli/ as keras_gans.zoo and keras_gans.cli.

setup.py maps those two folders into the package when a wheel is built. In a bare checkout nothing does, and
an editable install points at whichever checkout was installed last. This finder, put first on sys.meta_path,
answers for exactly those two names out of this checkout; what lies below them is found by their __path__.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


class _CheckoutFinder:
    """A meta path finder for the folders beside the package."""

    def __init__(self, root: Path) -> None:
        self.folders = {"keras_gans.zoo": root / "zoo", "keras_gans.cli": root / "cli"}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        folder = self.folders.get(fullname)
        if folder is None or not (folder / "__init__.py").is_file():
            return None
        return spec_from_file_location(fullname, folder / "__init__.py", submodule_search_locations=[str(folder)])


_finder = _CheckoutFinder(_PACKAGE.parent)


def install() -> None:
    """Puts the finder first, once, and only in a checkout: setup.py beside the package, no zoo inside it."""
    is_checkout = (_PACKAGE.parent / "setup.py").is_file() and not (_PACKAGE / "zoo").exists()
    if is_checkout and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
