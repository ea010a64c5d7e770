"""How fast and how small the metrics are, as ratios in one run on the same arrays. Needs SciPy (extra [crosscheck]).

python benchmarks/metrics.py          # prints, and writes benchmarks/results/metrics.json

Fréchet distance from 10,000 x 2048 features a side, moments included, against the usual way: numpy.cov and
scipy.linalg.sqrtm (aim: at least 5 times as fast). Precision, recall, density and coverage of 10,000 x 10,000 rows of
2048 features: the memory of a process of their own (aim: under 2 GiB, that of both inputs included).
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
RESULT = ROOT / "benchmarks" / "results" / "metrics.json"
N, D, REPEATS = 10_000, 2048, 3


def features(seed):
    """Non-negative and correlated, as pooled features are: float32 (n, d)."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(D, D)).astype("float32") / np.sqrt(D)
    return np.maximum(rng.normal(size=(N, D)).astype("float32") @ mix + 0.02 * seed, 0)


def usual(fake, real):
    """The Fréchet distance by a matrix square root."""
    import scipy.linalg

    fake, real = fake.astype("float64"), real.astype("float64")
    s, t = np.cov(fake, rowvar=False), np.cov(real, rowvar=False)
    root = scipy.linalg.sqrtm(s @ t)
    gap = fake.mean(0) - real.mean(0)
    return float(gap @ gap + np.trace(s) + np.trace(t) - 2 * np.trace(root.real))


def ours(fake, real):
    from keras_gans import metrics

    return metrics.frechet_distance(fake, real).value


def timed(run, *arguments):
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        value = run(*arguments)
        taken.append(time.perf_counter() - began)
    return {"median": statistics.median(taken), "low": min(taken), "high": max(taken), "value": value}


def prdc_memory():
    """In a process of its own: its highest, in GiB, and the seconds."""
    ended = subprocess.run([sys.executable, __file__, "--prdc"], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def run_prdc():
    from keras_gans._peak import peak_bytes
    from keras_gans.metrics import prdc

    fake, real = features(0), features(1)
    began = time.perf_counter()
    prdc.all_four(fake, real)
    seconds = time.perf_counter() - began
    print(json.dumps({"gib": peak_bytes() / 2**30, "seconds": seconds}))


def main():
    import scipy

    fake, real = features(0), features(1)
    fast, slow = timed(ours, fake, real), timed(usual, fake, real)
    memory = prdc_memory()
    found = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()},
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "rows": N,
        "features": D,
        "repeats": REPEATS,
        "frechet_s": fast,
        "sqrtm_s": slow,
        "ratio": slow["median"] / fast["median"],
        "prdc": memory,
    }
    print(json.dumps(found, indent=2))
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    run_prdc() if "--prdc" in sys.argv else main()
