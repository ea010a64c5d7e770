"""How well faces' attributes are read, on a split that training did not see.

python benchmarks/attributes.py                    # attributes_celeba on the test split of tfds:celeb_a_10k
python benchmarks/attributes.py runs/mine/model    # a model folder of your own

Prints, and writes benchmarks/results/attributes.json: for each attribute how often it is true; the accuracy at a
probability of one half, beside that of always giving the commoner answer; and the average precision, which a guess
brings to how often it is true.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import keras_gans

RESULT = Path(__file__).resolve().parent / "results" / "attributes.json"


def average_precision(scores, truth):
    """The mean, over the images where it is true, of the precision down to each: scores (n,), truth bool (n,).

    As scikit-learn's `average_precision_score`: images of one score stand at one place. NaN where it is never true.
    """
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], truth[order]
    hits = np.cumsum(truth)
    last = np.append(scores[1:] != scores[:-1], True)  # the last image of each score
    hits, seen = hits[last], np.arange(1, len(truth) + 1)[last]
    gained = np.diff(hits, prepend=0)
    return float(np.sum(gained * hits / seen) / truth.sum())


def measure(model, data):
    """[{"attribute", "true", "accuracy", "commoner", "average_precision"}, ...], shares of 1."""
    size, _, channels = model.image_shape
    data = data.with_shape(size, channels)
    read = model.predict_attributes(data.images)
    rows = []
    for i, name in enumerate(model.attribute_names):
        truth = data.attributes[:, list(data.attribute_names).index(name)]
        share = float(truth.mean())
        rows.append(
            {
                "attribute": name,
                "true": round(share, 4),
                "accuracy": round(float(((read[:, i] > 0.5) == truth).mean()), 4),
                "commoner": round(max(share, 1 - share), 4),
                "average_precision": round(average_precision(read[:, i], truth), 4),
            }
        )
    return rows


def mean(rows):
    """The mean over attributes, of the average precision over those that are ever true."""
    whole = {key: float(np.nanmean([row[key] for row in rows])) for key in rows[0] if key != "attribute"}
    return {"attribute": "mean", **{key: round(value, 4) for key, value in whole.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="attributes_celeba", help="a name, or a model folder")
    parser.add_argument("--data", default="tfds:celeb_a_10k")
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    model = keras_gans.load(Path(asked.model) if Path(asked.model).is_dir() else asked.model)
    data = keras_gans.data.load(asked.data, split=asked.split)
    rows = measure(model, data)
    rows = [mean(rows), *rows]
    for row in rows:
        numbers = "".join(f"{100 * value:10.1f}" for key, value in row.items() if key != "attribute")
        print(f"{row['attribute']:22}{numbers}")
    print("in per cent: how often true, accuracy, accuracy of the commoner answer, average precision")
    found = {"model": model.card["name"], "data": data.name, "images": len(data), "attributes": rows}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
