"""How long until something happens: medians of ten fresh processes, on a quiet machine.

python benchmarks/startup.py          # prints, and writes benchmarks/results/startup.json

import      `import keras_gans` beyond the interpreter's own start            (aim: under 0.15 s)
list, help  `keras-gans list` and `keras-gans --help`, the whole process      (aim: under 0.4 s)
draw        `load` from the cache and `generate(16)` beyond importing keras   (aim: under 1.5 s)
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "startup.json"
MODEL = "dcgan_mnist"
AIMS = {"import": 0.15, "list": 0.4, "help": 0.4, "draw": 1.5}


def once(*arguments, env=None):
    """(wall-clock seconds, what it printed) of `python <arguments>` in a fresh process."""
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, env=env, capture_output=True, text=True)
    return time.perf_counter() - began, ended.stdout


def seconds(*arguments, repeats=10, env=None):
    """Wall-clock seconds of `python <arguments>` in fresh processes, after one that warms the file cache."""
    return [once(*arguments, env=env)[0] for _ in range(repeats + 1)][1:]


def cached(model, folder):
    """An environment whose cache, in the empty `folder`, has the model's weights."""
    env = {**os.environ, "KERAS_GANS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-m", "keras_gans", "download", model], check=True, cwd=ROOT, env=env)
    return env


def beyond(base, whole):
    """Medians' difference and the spread of the longer one."""
    return {"median": statistics.median(whole) - statistics.median(base), "spread": max(whole) - min(whole)}


def main():
    nothing = seconds("-c", "pass")
    with tempfile.TemporaryDirectory() as cache:
        env = cached(MODEL, cache)
        keras = seconds("-c", "import keras", env=env)
        draw = seconds("-c", f"import keras, keras_gans; keras_gans.load({MODEL!r}).generate(16)", env=env)
    found = {
        "import": beyond(nothing, seconds("-c", "import keras_gans")),
        "list": beyond([0.0], seconds("-m", "keras_gans", "list")),
        "help": beyond([0.0], seconds("-m", "keras_gans", "--help")),
        "draw": beyond(keras, draw),
    }
    for name, result in found.items():
        print(f"{name:8} {result['median']:.3f} s (spread {result['spread']:.3f}; aim {AIMS[name]} s)")
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"aims": AIMS, "seconds": found, "machine": machine}, indent=2) + "\n")


if __name__ == "__main__":
    main()
