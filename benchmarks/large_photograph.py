"""How long a photograph of twelve megapixels takes to become four times as wide, and how much memory.

python benchmarks/large_photograph.py                # prints, and writes benchmarks/results/large_photograph.json
python benchmarks/large_photograph.py --size 60x40   # a try, which writes nothing

`keras-gans upscale` of 4,000x3,000 pixels by srresnet_x4, from the PNG to the PNG, and once more with `--compare`: the
seconds of the whole process, and the highest resident set in GiB. Pass `--without-compare` for the first alone. The
machine need not be quiet for the memory; for the seconds it must be.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from keras_gans import data
from keras_gans.training import run

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "large_photograph.json"
SIZE = "4000x3000"
# The command line, which then says how much memory it has held.
CODE = """
import sys
from keras_gans import _peak
from keras_gans.cli.main import main
try:
    main()
finally:
    print(_peak.peak_bytes())
"""


def photograph(width, height):
    """Photograph-like, uint8 (height, width, 3)."""
    rng = np.random.default_rng(0)
    return data.bicubic(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), "uint8"), size=(height, width))


def measured(width, height, *options):
    """{"seconds", "gib"} of one process."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "photograph.png", Path(folder) / "large.png"
        data.save_png(source, photograph(width, height))
        command = [sys.executable, "-c", CODE, "upscale", source, "--out", target, "--model", "srresnet_x4", *options]
        began = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.perf_counter() - began
        assert target.is_file()
    return {"seconds": round(seconds, 1), "gib": round(int(done.stdout) / 2**30, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default=SIZE, help=f"[{SIZE}]")
    parser.add_argument("--without-compare", action="store_true")
    parser.add_argument("--beside", help="what else the machine did meanwhile, in a few words")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    found = {"width": width, "height": height, "upscale": measured(width, height)}
    if not asked.without_compare:
        found["compare"] = measured(width, height, "--compare")
    found["megapixels_per_s"] = round(16 * width * height / 1e6 / found["upscale"]["seconds"], 3)
    found |= {"beside": asked.beside} if asked.beside else {}
    found |= run.machine()
    print(json.dumps(found, indent=2))
    if asked.size == SIZE:
        RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
