"""A model's README.md for the hub: YAML front matter, which the hub reads, and a page for people. Text in, text out.

The front matter is written without a YAML library: each text is quoted as JSON does it, which YAML reads as well.
What the hub's keys mean: https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .card import Card

# The hub's names of licences that a card may begin with; any other is "other", with a name of its own.
_LICENSES = frozenset(
    (
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0"),
        *(f"cc-by{terms}-{version}" for terms in ("", "-sa", "-nc", "-nc-sa") for version in ("3.0", "4.0")),
    )
)
# The hub's names of data sets that are there under their makers' name.
_DATASETS = {"mnist": "ylecun/mnist", "cifar10": "uoft-cs/cifar10"}
_PIPELINES = {
    "generate": "unconditional-image-generation",
    "classify": "image-classification",
    "upscale": "image-to-image",
}
# What to type, by family where the task does not tell it.
_USES = {
    "generate": "images = {load}.generate(16)",
    "classify": "classes = {load}.classify(images)  # uint8 (n, height, width, channels)",
    "upscale": "larger = {load}.upscale(images)  # uint8 (n, height, width, 3)",
    "AttributeNet": "attributes = {load}.predict_attributes(images)  # uint8 (n, height, width, channels)",
    "TextToImageGAN": 'images = {load}.generate("what there is to see", 16)',
}
_PICTURES = {
    "generate": "A seeded grid of what it draws; none is picked.",
    "classify": "The filters of its first layer.",
    "upscale": "Squares of photographs that it was trained on, none picked: bicubic, its own, the original.",
}
# What YAML must not find as it is, though JSON leaves it so.
_UNPRINTABLE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)


def readme(
    card: Card, record: Mapping[str, Any], scores: Mapping[str, Any] | None, reference: str, picture: bool = True
) -> str:
    """README.md of a model's repository.

    card: the model's.
    record: its weights.json.
    scores: its scores.json, or None; scores of other weights than the record's are left out.
    reference: what `keras_gans.load` takes for it, "hf://user/repo@revision".
    picture: whether samples.png lies beside.
    """
    measured = _of_these_weights(record, scores)
    front = "---\n" + yaml(front_matter(card, measured)) + "---\n"
    return front + "\n" + "\n".join(_page(card, record, measured, reference, picture)) + "\n"


def _of_these_weights(record: Mapping[str, Any], scores: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if scores is None or scores.get("sha256", record["sha256"]) != record["sha256"]:
        return []
    return list(scores["scores"])


# ---- what the hub reads -----------------------------------------------------------------------------------


def front_matter(card: Card, scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the hub reads of a model. Each score stands with its whole protocol as its name."""
    pipeline = _pipeline(card)
    about: dict[str, Any] = {
        **_license(card.weights_license),
        "library_name": "keras",
        "pipeline_tag": pipeline,
        "tags": ["keras-gans", *(["gan"] if card.task == "generate" else []), card.family.lower(), "safetensors"],
    }
    dataset = _DATASETS.get(_plain(card.data["source"]))
    if dataset:
        about["datasets"] = [dataset]
    if scores:
        result = {
            "task": {"type": pipeline},
            "dataset": _measured_on(card),
            "metrics": [
                {"type": score.get("metric", "score"), "value": score["value"], "name": score["protocol"]}
                for score in scores
            ],
        }
        about["model-index"] = [{"name": card.name, "results": [result]}]
    return about


def _pipeline(card: Card) -> str:
    return "text-to-image" if card.family == "TextToImageGAN" else _PIPELINES[card.task]


def _license(text: str) -> dict[str, str]:
    """The hub's name of a licence: "CC BY-SA 3.0, as the MNIST data" begins with one that it knows."""
    known = _slug(text.partition(",")[0])
    return {"license": known} if known in _LICENSES else {"license": "other", "license_name": _slug(text)[:80]}


def _measured_on(card: Card) -> dict[str, str]:
    """The data that scores were taken against; the protocol of each says which part of it."""
    name = _plain(card.protocol.get("source", card.data["source"]))
    return {"type": _DATASETS.get(name, _slug(name)), "name": name}


def _plain(source: str) -> str:
    return source.removeprefix("tfds:")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "unstated"


def yaml(value: Mapping[str, Any], indent: str = "") -> str:
    """Maps, lists of maps or scalars, and scalars, as block YAML."""
    return "".join(f"{line}\n" for line in _lines(value, indent))


def _lines(value: Mapping[str, Any] | Sequence[Any], indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping | list) and item:
                yield f"{indent}{key}:"
                yield from _lines(item, indent + "  ")
            else:
                yield f"{indent}{key}: {_scalar(item)}"
        return
    for item in value:
        if isinstance(item, Mapping) and item:
            first, *rest = _lines(item, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, float) and "." not in text:  # YAML 1.1 takes 1e-05 for a text
        return text.replace("e", ".0e")
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# ---- what people read -------------------------------------------------------------------------------------


def _page(
    card: Card, record: Mapping[str, Any], scores: Sequence[Mapping[str, Any]], reference: str, picture: bool
) -> Iterator[str]:
    use = _USES.get(card.family, _USES[card.task])
    yield f"# {card.title}"
    yield from ("", card.description)
    if picture:
        yield from ("", "![samples](samples.png)", "", _PICTURES.get(card.task, "What it makes."))
    yield from ("", "## Use", "", "With the package keras_gans and its extra `[hub]`:", "")
    yield from ("```python", "import keras_gans", "", use.format(load=f'keras_gans.load("{reference}")'), "```", "")
    yield "The weights are safetensors. Their SHA-256 stands in weights.json and is checked before they are parsed."
    data = card.data
    yield from ("", "## Data", "", f"The weights saw: {data['seen']} ({data['source']}, {data['split']}).")
    yield from (text for key in ("other_than_name", "note") if key in data for text in ("", data[key]))
    if card.limits:
        yield from ("", "## Limits", "", *(f"- {limit}" for limit in card.limits))
    yield from ("", "## Licences", "", f"- code: {card.license}", f"- weights: {card.weights_license}", "")
    yield "The licence at the top of this page is that of the weights, which follows from the data that they saw."
    yield from ("", "## Training", "", *_training(card, record))
    if scores:
        yield from ("", "## Scores", "", *_table(scores), "")
        yield "Scores of different protocols say nothing about one another."
    paper = card.paper
    yield from ("", "## Paper", "", f"{paper['authors']}: [{paper['title']}]({paper['url']}), {paper['year']}.")


def _training(card: Card, record: Mapping[str, Any]) -> Iterator[str]:
    """The facts of weights.json: the file, and each training that led to it, the oldest first."""
    yield f"- version {card.version}: {record['parameters']:,} parameters in {record['bytes']:,} bytes"
    yield f"- sha256: `{record['sha256']}`"
    last = record["provenance"]
    for one in [*last.get("before", []), last]:
        facts = [f"{one[key]:,} {words}" for key, words in _COUNTED.items() if isinstance(one.get(key), int | float)]
        place = [f"on {one['hardware']}"] if one.get("hardware") else []
        if facts:
            yield "- training: " + ", ".join([*facts, *place])
    if last.get("rounded"):
        yield f"- rounded: {last['rounded']}"


_COUNTED = {"steps": "steps", "images_seen": "images seen", "seconds": "seconds"}


def _table(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| protocol | value | 95 % interval |"
    yield "|---|---|---|"
    for score in scores:
        low, high = score.get("interval") or (None, None)
        interval = "" if low is None else f"{low:.4g} and more" if high is None else f"{low:.4g} to {high:.4g}"
        yield f"| {score['protocol'].replace('|', '/')} | {score['value']:.4g} | {interval} |"
