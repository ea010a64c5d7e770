"""SECURITY.md, held to the source: nothing here can run what a file says, unpack what it holds, or listen to anyone."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for folder in ("keras_gans", "zoo", "cli") for path in (ROOT / folder).rglob("*.py"))

MODULES = {
    *("pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"),  # data that is code
    *("subprocess", "pty", "runpy", "code", "codeop", "ctypes"),
    *("http.server", "socketserver", "xmlrpc", "wsgiref", "asyncio", "socket"),
    *("yaml", "xml", "torch"),
}
CALLS = {
    *("exec", "eval", "compile", "__import__", "execfile"),
    *("extract", "extractall", "unpack_archive"),
    *("system", "popen", "startfile", "spawnl", "spawnv", "execv", "execve", "fork", "posix_spawn"),
    *("load_model", "load_weights", "unsafe_load", "enable_unsafe_deserialization"),
    *("bind", "listen", "serve_forever"),
}
# (file, what): why it may stand there all the same.
ALLOWED = {
    ("cli/memory.py", "ctypes"): "calls glibc's mallopt, with numbers that stand there",
    ("keras_gans/api/benchmark.py", "subprocess"): "starts this interpreter on a module of this package",
}
OF_PYTHON = {"compile"}  # as a method it is Keras's, or that of re
OF_ARCHIVES = {"extract"}  # of archives it is a method; as a function, or of self, it takes features


def uses(tree):
    """What a module imports, calls and passes of what is looked for: (line, name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _call(node)


def _call(node):
    name = getattr(node.func, "id", getattr(node.func, "attr", None))
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    harmless = (name in OF_PYTHON and owner) or (name in OF_ARCHIVES and owner in ("", "self"))
    if name in CALLS and not harmless:
        yield node.lineno, f"{name}()"
    if name == "import_module" and isinstance(node.args[0], ast.Constant):
        yield node.lineno, node.args[0].value
    for keyword in node.keywords:
        refused = {"allow_pickle": True, "safe_mode": False, "shell": True}
        if keyword.arg in refused and not _is(keyword.value, not refused[keyword.arg]):
            yield node.lineno, f"{keyword.arg}="


def _is(node, value):
    return isinstance(node, ast.Constant) and node.value is value


def faults(source):
    """The names in a source that break a promise."""
    found = []
    for line, name in uses(ast.parse(source)):
        broken = name.endswith(("()", "=")) or any(name == m or name.startswith(f"{m}.") for m in MODULES)
        if broken:
            found.append((line, name))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_breaks_a_promise(path):
    where = path.relative_to(ROOT).as_posix()
    found = [(line, name) for line, name in faults(path.read_text()) if (where, name) not in ALLOWED]
    assert not found, f"{where}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        *(
            "import pickle",
            "import pickle as p",
            "from pickle import loads",
            "import os, marshal",
            "from http import server",
        ),
        *("import http.server", "from torch import load", "import importlib; importlib.import_module('dill')"),
        *(
            "exec(text)",
            "eval('1')",
            "compile(text, 'f', 'exec')",
            "archive.extractall(path)",
            "zipped.extract(name)",
            "os.system('ls')",
        ),
        *("keras.models.load_model(path)", "keras.saving.load_model(path)", "np.load(path, allow_pickle=True)"),
        *("np.load(path, allow_pickle=asked)", "load(path, safe_mode=False)", "run('ls', shell=True)", "s.listen(1)"),
        "def f():\n    if x:\n        from subprocess import run",
    ],
)
def test_each_breach_is_seen(source):
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        *("model.compile(loss='hinge')", "re.compile('x')", "np.load(path, allow_pickle=False)", "import http.client"),
        *(
            "archive.extractfile(member)",
            "safetensors.numpy.load(data)",
            "importlib.import_module(name)",
            "import codecs",
        ),
    ],
)
def test_what_is_harmless_passes(source):
    assert not faults(source)


def test_exceptions_are_still_needed():
    for where, name in ALLOWED:
        assert name in [found for _, found in faults((ROOT / where).read_text())], f"{where} no longer needs {name}"


def test_pillow_opens_only_what_is_on_the_list():
    """Every Image.open in the package names the formats that it may be."""
    opened = [
        (path.name, {keyword.arg for keyword in node.keywords})
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Image.open", "PIL.Image.open")
    ]
    assert opened
    assert all("formats" in keywords for _, keywords in opened), opened


@pytest.mark.slow
def test_a_model_is_loaded_and_drawn_from_without_a_socket(tmp_path):
    """Nothing shipped needs the network, whether or not it is switched off."""
    code = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('a socket was used')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = socket.getaddrinfo = refuse\n"
        "import keras_gans\n"
        "print(keras_gans.load('dcgan_mnist').generate(1).shape)"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("KERAS_GANS_MIRROR", "KERAS_GANS_OFFLINE")}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**environment, "KERAS_GANS_HOME": str(tmp_path / "cache")},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "(1, 28, 28, 1)"
    assert not (tmp_path / "cache").exists()
