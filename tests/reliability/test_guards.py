"""Takes each guard out of a copy of the package, and sees a test fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guards import GUARDS

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("keras_gans", "zoo", "cli", "tests", "pyproject.toml", "setup.py")
CONTRACT = "tests/model_contract.py"  # what a family's tests inherit
FAST = "a weights file's SHA-256 is compared"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of its own, without compiled files: they would be taken for sources of the same second."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, folder / name)
    return folder


def outcome(checkout, test):
    """What pytest says of a test there."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", test]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment)


def noticed(guard, checkout):
    """Whether its test fails without it. An error in the import, or no such test, is neither yes nor no."""
    path = checkout / guard.file
    source = path.read_text(encoding="utf-8")
    mutant = source.replace(guard.text, guard.without)
    assert mutant != source
    compile(mutant, guard.file, "exec")
    path.write_text(mutant, encoding="utf-8")
    done = outcome(checkout, guard.test)
    path.write_text(source, encoding="utf-8")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 1


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.what)
def test_each_guard_is_where_the_table_says(guard):
    text = (ROOT / guard.file).read_text(encoding="utf-8")
    assert text.count(guard.text) == 1
    path, *_, name = guard.test.split("::")
    assert any(f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") for file in (path, CONTRACT))


@pytest.mark.slow
@pytest.mark.parametrize(
    "guard",
    [
        *(pytest.param(guard, id=guard.what) for guard in GUARDS if guard.what == FAST),
        *(pytest.param(guard, id=f"{guard.what}, in full", marks=pytest.mark.full) for guard in GUARDS),
    ],
)
def test_a_guard_that_is_taken_out_is_missed(guard, checkout, record):
    assert noticed(guard, checkout)
    record(f"guard: {guard.what}", file=guard.file, fails=guard.test)
