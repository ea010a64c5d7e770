"""What `load` opens, connects to and runs: nothing for a name that is none, its own files for a cached one."""

import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

import keras_gans
from keras_gans.artifacts import UnknownModelError

ROOT = Path(__file__).resolve().parents[2]
WATCHED = ("open", "socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "exec")
ODD = [*"/.~@\0\n\r éß;", "hf:", "//", "\x1b[2J", "\u202e", "\uff11", "\ud800", "%00"]
LIKELY = ["dcgan", "vanilla", "_", "mnist", "lsun", "..", "\\", "C:", "http://127.0.0.1/", "file://", "$HOME", "`id`"]


@pytest.fixture(scope="module")
def hook():
    """(what was seen, a switch). A hook cannot be removed, so there is one."""
    seen, state = [], {"on": False}

    def watch(event, args):
        if state["on"] and event in WATCHED:
            seen.append((event, *map(str, args[:1])))

    sys.addaudithook(watch)
    return seen, state


def generated(count):
    """Texts that are no reference: what leads to a folder or the hub is what `load` is for."""
    chance = random.Random(0)
    known = set(keras_gans.zoo.registry.names())
    alphabets = [LIKELY + ODD, string.ascii_lowercase + "0123456789_", string.printable]
    while count:
        pieces = chance.choice(alphabets)
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(0, chance.choice([4, 20, 200]))))
        if text not in known and not text.startswith(("hf://", ".", "/", "~")):
            count -= 1
            yield text


def error_of(text, state):
    """What UnknownModelError says, while the hook watches; None if there was none."""
    state["on"] = True
    try:
        keras_gans.load(text)
    except UnknownModelError as error:
        return str(error)
    finally:
        state["on"] = False
    return None


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.full)])
def test_names_that_are_none(count, hook, record):
    """UnknownModelError, in one short line, and nothing is touched."""
    seen, state = hook
    with pytest.raises(UnknownModelError):
        keras_gans.load("nothing is imported any more after this one")
    errors = [error_of(text, state) for text in generated(count)]
    assert all(error is not None and error.isprintable() and len(error) < 250 for error in errors)
    assert seen == []
    record("names", names=count, unknown_model_errors=len(errors), opened_or_connected=len(seen))


# Loads two models to import and to fill the cache, and then prints what a third load from there raises of events.
AUDITED = """
import os, sys
import keras_gans
from keras_gans.zoo import download
name = sys.argv[1]
download.download(name)
keras_gans.load(name).generate(2)
seen, state = [], {"on": False}

def watch(event, args):
    if not state["on"]:
        return
    if event.split(".")[0] in ("socket", "subprocess", "pickle", "ctypes", "urllib", "http", "ftplib", "webbrowser"):
        seen.append(f"{event} {args}")
    elif event in ("exec", "compile", "marshal.loads", "os.system", "os.exec", "os.fork", "os.posix_spawn", "import"):
        seen.append(f"{event} {args}")
    elif event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"):
        seen.append(f"{event} {args}")
    elif event == "open" and (args[1] is None or set("wax+") & set(str(args[1])) or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
        seen.append(f"{event} {args}")

sys.addaudithook(watch)
state["on"] = True
exec("open(os.devnull, 'w').close()")
assert len(seen) == 3, seen  # it does see: compile, exec, open
seen.clear()
model = keras_gans.load(name)
state["on"] = False
print("\\n".join(seen))
print(f"{len(model.tensors())} tensors")
"""  # noqa: E501


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [["vanilla_mnist"], pytest.param(["vanilla_mnist", "dcgan_lsun", "tiny"], marks=pytest.mark.full)]
)
def test_what_a_load_from_the_cache_does(names, cache, record):
    """No code is run, no process started, nothing unpickled, no socket opened, nothing written."""
    for name in names:
        code = AUDITED if name != "tiny" else AUDITED.replace(".generate(2)", "")
        done = subprocess.run(
            [sys.executable, "-c", code, name],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "KERAS_GANS_MIRROR": ""},
        )
        assert done.returncode == 0, done.stderr
        *events, last = done.stdout.strip().splitlines()
        assert events == [], name
        assert last.endswith("tensors")
        assert int(last.split()[0]) > 0
    record("loads from the cache", models=names, events=0)
