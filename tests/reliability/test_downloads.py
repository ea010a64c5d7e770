"""Downloads that are killed, and many processes that want the same file."""

import collections
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hostile_servers import trickle
from keras_gans import artifacts
from keras_gans.zoo import download, registry

ROOT = Path(__file__).resolve().parents[2]
NAME = "toy_digits"

# Forks a process that downloads, kills it after the seconds that a line says, and says how it ended. Forking saves
# the imports; it is this process that waits, so that the number which is killed can be nobody else's.
KILLER = f"""
import os, signal, sys, time
import pooch, requests
from keras_gans.zoo import download
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        download.download({NAME!r}, folder=sys.argv[1])
        os._exit(0)
    time.sleep(float(line))
    os.kill(pid, signal.SIGKILL)
    print(os.waitpid(pid, 0)[1], flush=True)
"""

# Loads a model into each cache that a line names, and says the SHA-256 of what it got.
LOADER = """
import hashlib, os, sys
from keras_gans.zoo import registry, weights
if sys.argv[2] == "whole":
    import keras_gans

def tensors():
    if sys.argv[2] == "whole":
        return keras_gans.load(sys.argv[1]).tensors()
    return {k: v.astype("float32") for k, v in weights.locate(registry.info(sys.argv[1])).items()}

print("ready", flush=True)
for line in sys.stdin:
    os.environ["KERAS_GANS_HOME"] = line.strip()
    found = tensors()
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode() + found[name].tobytes())
    print(digest.hexdigest(), flush=True)
"""


def started(code, *arguments, **environment):
    """A Python process that reads lines and answers each with one."""
    return subprocess.Popen(
        [sys.executable, "-B", "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def ended(process):
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()


def left_in(cache):
    """What lies in a cache beside its locks, which stay."""
    return sorted(str(p.relative_to(cache)) for p in cache.glob("models/**/*") if p.is_file())


@pytest.fixture
def big(publish):
    """(models folder, bytes): a model whose file comes in many pieces."""
    models, _ = publish(NAME)
    kernel = np.random.default_rng(0).normal(size=(512, 512)).astype("float32")
    artifacts.write_weights(models / NAME, {"kernel": kernel}, {})
    return models, (models / NAME / artifacts.WEIGHTS).read_bytes()


def phase(cache, status):
    """Where a kill fell, by what it left."""
    if status == 0:
        return "after the end"
    names = left_in(cache)
    if any(name.endswith(artifacts.PARTIAL) for name in names):
        return "while bytes came"
    return "after the move" if names else "before the first byte"


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.full)])
def test_a_download_that_is_killed_at_a_random_moment(kills, big, cache, serve, monkeypatch, record):
    """The next call has the file, and nothing else is left."""
    models, data = big
    slow, quick = serve(lambda handler: trickle(handler, data, pause=0.01, piece=-(-len(data) // 20))), serve(models)
    monkeypatch.setenv("KERAS_GANS_MIRROR", quick.url)
    moments, fell = random.Random(0), collections.Counter()
    killer = started(KILLER, models, KERAS_GANS_MIRROR=slow.url)
    for _ in range(kills):
        print(moments.uniform(0.0, 0.4), file=killer.stdin)
        fell[phase(cache, int(killer.stdout.readline()))] += 1
        path = download.download(NAME, folder=models)
        assert path.read_bytes() == data
        assert left_in(cache) == [str(path.relative_to(cache))]
        shutil.rmtree(cache)
    ended(killer)
    assert fell["while bytes came"]
    record("downloads killed", kills=kills, next_calls_that_succeeded=kills, leftovers=0, fell=dict(fell))


@pytest.mark.parametrize(
    ("processes", "rounds", "how"), [(4, 2, "tensors"), pytest.param(16, 10, "whole", marks=pytest.mark.full)]
)
def test_many_processes_load_the_same_uncached_model(processes, rounds, how, tmp_path, serve, record):
    """All get it, by one download a round."""
    server = serve(registry.models_folder())
    loaders = [started(LOADER, "vanilla_mnist", how, KERAS_GANS_MIRROR=server.url) for _ in range(processes)]
    for loader in loaders:
        assert loader.stdout.readline() == "ready\n"
    digests, downloads = [], []
    for number in range(rounds):
        for loader in loaders:
            print(tmp_path / f"cache{number}", file=loader.stdin)
        digests += [loader.stdout.readline() for loader in loaders]
        downloads.append(len(server.paths))
    for loader in loaders:
        ended(loader)
    assert len(digests) == processes * rounds
    assert len(set(digests)) == 1
    assert len(digests[0].strip()) == 64
    assert downloads == list(range(1, rounds + 1))
    record("many processes", processes=processes, rounds=rounds, loads=len(digests), downloads=downloads[-1])
