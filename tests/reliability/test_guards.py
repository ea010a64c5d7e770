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
FAST = ("a weights file's SHA-256 is compared",)


def copied(folder):
    """A checkout of its own, without compiled files: they would be taken for sources of the same second."""
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, folder / name)
    return folder


def fails(checkout, test):
    """Whether a test fails there. An error in the import, or no test of that name, is neither yes nor no."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", test]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 1


def noticed(guard, checkout):
    """Whether its test fails without it, and only without it."""
    path = checkout / guard.file
    source = path.read_text(encoding="utf-8")
    mutant = source.replace(guard.text, guard.without)
    compile(mutant, guard.file, "exec")
    path.write_text(mutant, encoding="utf-8")
    try:
        return fails(checkout, guard.test)
    finally:
        path.write_text(source, encoding="utf-8")


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.what)
def test_each_guard_is_where_the_table_says(guard):
    text = (ROOT / guard.file).read_text(encoding="utf-8")
    assert text.count(guard.text) == 1
    path, _, name = guard.test.partition("::")
    assert f"def {name.rpartition('::')[2]}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("names", [FAST, pytest.param(None, marks=pytest.mark.full)])
def test_a_guard_that_is_taken_out_is_missed(names, tmp_path, record):
    guards = [guard for guard in GUARDS if names is None or guard.what in names]
    checkout = copied(tmp_path)
    if names is None:
        for test in sorted({guard.test for guard in guards}):
            assert not fails(checkout, test), test
    missed = [guard.what for guard in guards if not noticed(guard, checkout)]
    assert missed == []
    assert guards
    record("guards", guards=len(guards), noticed=len(guards), list={guard.what: guard.test for guard in guards})
