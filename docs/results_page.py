"""docs/results.md: every recorded score with its protocol, beside what the papers report; misses included."""

import tomllib
from pathlib import Path

import measured_page

from keras_gans import artifacts
from keras_gans.metrics import PARZEN_CAVEAT
from keras_gans.metrics.score import HIGHER_IS_BETTER, Score

HERE = Path(__file__).resolve().parent
WORDS = {
    "fid": "Fréchet distance",
    "kid": "kernel distance",
    "is": "Inception score",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "accuracy": "read as the class that was asked for",
    "parzen": "Parzen-window log-likelihood",
    "one_nn": "1-nearest-neighbour accuracy",
    "probe": "linear probe's accuracy",
    "cas": "classification accuracy score",
    "support": "different images, by the birthday paradox",
    "ms_ssim": "MS-SSIM between samples",
    "swd": "sliced Wasserstein distance",
    "memorized": "samples that repeat training images",
    "psnr": "PSNR of the luminance, in dB",
    "ssim": "SSIM of the luminance",
}
HEAD = """# Results

Written from the models' scores.json by docs/results_page.py (`python docs/build_pages.py`). A score is comparable with
another of the same protocol, which stands beside it, and with none else. Intervals are 95 % over five sampling seeds,
by Student's t; of a Parzen likelihood ± is the standard error over the test images, as papers have it, and the
interval stands apart. `keras-gans evaluate NAME` measures again: the statistics of the real images travel with the
package.

Where a paper reports the like, its value stands beside ours, with a verdict if both were taken the same way."""


def published():
    """[{model, metric, value, ...}] of docs/published.toml."""
    return tomllib.loads((HERE / "published.toml").read_text())["value"]


def scores_of(card):
    """The card's recorded scores; those of other weights than stand there are an error."""
    path = card.folder / artifacts.SCORES
    if not path.is_file():
        return []
    found = artifacts.read_json(path)
    if found["sha256"] != artifacts.read_provenance(card.folder)["sha256"]:
        raise SystemExit(f"{path} is of other weights: run `keras-gans evaluate {card.name} --record`.")
    return [Score.from_dict(score) for score in found["scores"]]


def verdict(score, value):
    """met or missed, where the protocols are the same; else why not."""
    if not value["comparable"]:
        return f"not comparable: {value['why']}"
    wanted = value.get("at_least", value["value"])
    better = score.value >= wanted if HIGHER_IS_BETTER[score.metric] else score.value <= wanted
    return "met" if better else "missed"


def paper(value):
    """225 ± 2 nats (Goodfellow et al. 2014, table 1)"""
    error = f" ± {value['error']:g}" if "error" in value else ""
    unit = f" {value['unit']}" if "unit" in value else ""
    return f"{value['value']:g}{error}{unit} ({value['source']})"


def real_images(score):
    """The row above a Parzen likelihood: what real images reach in place of samples, if these were measured so."""
    found = measured_page.results("parzen_real")
    if score.metric != "parzen" or not found:
        return []
    real = Score.from_dict(found["score"])
    wanted, facts = ([fact.rstrip("]") for fact in s.protocol.split(", ")[:3]] for s in (score, real))
    if facts != wanted:  # how many pixels, how many samples, tested on what
        return []
    return [f"| the same of {found['samples']} | `{real.protocol}` | {real.shown()} | | |"]


def is_of(value, card, score):
    """Whether a paper's value stands beside a score: of the model, the metric, and a protocol that begins so."""
    named = (value["model"], value["metric"]) == (card.name, score.metric)
    return named and score.protocol.startswith(value["protocol"])


def table(card, scores, values):
    """A model's part of the page."""
    lines = [f"## {card.name}", "", "| | protocol | ours | the paper | verdict |", "|---|---|---|---|---|"]
    for score in scores:
        same = [value for value in values if is_of(value, card, score)]
        beside = f"{paper(same[0])} | {verdict(score, same[0])}" if same else "|"
        arrow = "higher is better" if HIGHER_IS_BETTER[score.metric] else "lower is better"
        lines += real_images(score)
        lines.append(f"| {WORDS[score.metric]} ({arrow}) | `{score.protocol}` | {score.shown()} | {beside} |")
    if any(score.metric == "parzen" for score in scores):
        lines += ["", PARZEN_CAVEAT]
    return "\n".join(lines)


def page(cards):
    """docs/results.md."""
    values = published()
    parts = [table(card, scores, values) for card in cards if (scores := scores_of(card))]
    return "\n\n".join([HEAD, *parts]) + "\n"
