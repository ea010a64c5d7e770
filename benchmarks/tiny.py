"""How well a reader of photographs names images that it did not see.

python benchmarks/tiny.py --data PATH                  # tiny on the val split of PATH, a tiny_imagenet_64.zip
python benchmarks/tiny.py runs/tiny/model --data PATH  # a model folder of your own

Prints, and writes benchmarks/results/tiny.json: how often the right class is the likeliest, and among the five
likeliest, each with a 95 % interval for another sample of as many images (of a binomial; as Wilson gave it).
"""

import argparse
import json
from pathlib import Path

import numpy as np

import keras_gans

RESULT = Path(__file__).resolve().parent / "results" / "tiny.json"


def hits(probabilities, labels, k):
    """How many images have their label among the k likeliest classes: probabilities (n, classes), labels (n,)."""
    own = probabilities[np.arange(len(labels)), labels]
    # Classes of equal probability count against the label: a network that says the same of all knows nothing.
    return int(((probabilities >= own[:, None]).sum(axis=1) <= k).sum())


def interval(hit, n, z=1.96):
    """[low, high] of the share that `hit` of n estimates (Wilson 1927)."""
    share = hit / n
    middle = share + z**2 / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return [float((middle + side * reach) / (1 + z**2 / n)) for side in (-1, 1)]


def measure(model, data):
    """{"top_1": {"value", "interval"}, "top_5": ...} in per cent, of `Images` whose classes are those of training."""
    size, _, channels = model.image_shape
    data = data.with_shape(size, channels)
    read = model.probabilities(data.images)
    found = {}
    for k in (1, 5):
        count = hits(read, data.labels, k)
        low, high = interval(count, len(data))
        found[f"top_{k}"] = {
            "value": round(100 * count / len(data), 2),
            "interval": [round(100 * low, 2), round(100 * high, 2)],
        }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="tiny", help="a name, or a model folder")
    parser.add_argument(
        "--data", default="tiny_imagenet_64.zip", help="a .zip or folder of train/<class>/, val/<class>/"
    )
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    model = keras_gans.load(Path(asked.model) if Path(asked.model).is_dir() else asked.model)
    data = keras_gans.data.load(asked.data, split=asked.split)
    found = measure(model, data)
    for name, score in found.items():
        low, high = score["interval"]
        print(f"{name.replace('_', '-')}: {score['value']} % ({low} to {high})")
    card = {"model": model.card["name"], "version": model.card["version"]}
    where = {"data": data.name, "split": asked.split, "images": len(data), "data_sha256": data.fingerprint()}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({**card, **where, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
