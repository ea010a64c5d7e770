"""README.md for the hub: what the hub reads of it, and what stands on its page."""

import json
import re

import pytest

from keras_gans import artifacts
from keras_gans.zoo import model_card, registry
from keras_gans.zoo.card import Card

RECORD = {
    "sha256": "a" * 64,
    "bytes": 1234567,
    "parameters": 600000,
    "tensors": 4,
    "provenance": {
        "steps": 30000,
        "seconds": 6517,
        "images_seen": 960000,
        "hardware": "Abacus",
        "rounded": "all of it",
    },
}
SCORES = {
    "version": 1,
    "sha256": "a" * 64,
    "scores": [
        {"metric": "fid", "protocol": "fid[tiny-v1, 10k, mnist train]", "value": 5.8149, "interval": [5.77, 5.85]},
        {"metric": "support", "protocol": "support[tiny-v1]", "value": 3e-05, "interval": [3e-05, None]},
    ],
}


def parsed(text):
    """YAML front matter, by PyYAML."""
    return pytest.importorskip("yaml").safe_load(text.split("---\n")[1])


def read(text):
    """The same by the few rules that the emitter keeps to, so that it is parsed where PyYAML is not."""
    lines = [line for line in text.split("---\n")[1].splitlines() if line]

    def block(indent):
        made = None
        while lines and len(lines[0]) - len(lines[0].lstrip()) == indent:
            line = lines[0][indent:]
            if line.startswith("- "):
                made = [] if made is None else made
                rest = line[2:]
                if re.match(r"[\w-]+:", rest):
                    lines[0] = " " * (indent + 2) + rest
                    made.append(block(indent + 2))
                else:
                    lines.pop(0)
                    made.append(json.loads(rest))
            else:
                made = {} if made is None else made
                key, _, rest = line.partition(":")
                lines.pop(0)
                made[key] = json.loads(rest) if rest else block(indent + 2)
        return made

    found = block(0)
    assert not lines
    return found


@pytest.fixture
def card(card_dict, tmp_path):
    return lambda **changes: Card.from_dict(card_dict(**changes), tmp_path)


def test_what_the_hub_reads(card):
    described = card(weights_license="CC BY-SA 3.0, as the MNIST data")
    text = model_card.readme(described, RECORD, SCORES, "hf://user/repo@v1")
    assert read(text) == {
        "license": "cc-by-sa-3.0",
        "library_name": "keras",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["keras-gans", "gan", "dcgan", "safetensors"],
        "datasets": ["ylecun/mnist"],
        "model-index": [
            {
                "name": "toy_digits",
                "results": [
                    {
                        "task": {"type": "unconditional-image-generation"},
                        "dataset": {"type": "ylecun/mnist", "name": "mnist"},
                        "metrics": [
                            {"type": "fid", "value": 5.8149, "name": "fid[tiny-v1, 10k, mnist train]"},
                            {"type": "support", "value": 3e-05, "name": "support[tiny-v1]"},
                        ],
                    }
                ],
            }
        ],
    }


def test_yaml_reads_it_as_it_was_meant(card):
    text = model_card.readme(card(), RECORD, SCORES, "hf://user/repo")
    assert parsed(text) == read(text)
    for shipped in registry.list_models(status="pretrained"):
        record, path = artifacts.read_provenance(shipped.folder), shipped.folder / artifacts.SCORES
        scores = artifacts.read_json(path) if path.is_file() else None
        text = model_card.readme(shipped, record, scores, f"hf://user/{shipped.name}")
        assert parsed(text) == read(text), shipped.name


HOSTILE = 'a "b" \\ : # - [x] {y}\n---\ntab\t\x00\x7f\x85\u2028\ufeff é 漢 \U0001f600'


def test_no_text_gets_out_of_its_quotes():
    text = "---\n" + model_card.yaml({"key": HOSTILE, "list": [HOSTILE, {"a": True, "b": None}], "empty": []}) + "---\n"
    assert text.count("---\n") == 2
    assert text.count("\n") == 8
    assert parsed(text) == {"key": HOSTILE, "list": [HOSTILE, {"a": True, "b": None}], "empty": []}


@pytest.mark.parametrize("value", [1e-05, 1e22, 1.5e-07, 0.5, 3, -2.0])
def test_numbers_stay_numbers(value):
    text = "---\n" + model_card.yaml({"value": value}) + "---\n"
    assert float(text.split(": ")[1].split()[0]) == value
    assert re.fullmatch(r"-?\d+(\.\d+(e[+-]\d+)?)?", text.split(": ")[1].split()[0])  # a number of YAML 1.1 too
    assert parsed(text) == {"value": value}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CC BY-SA 3.0, as the MNIST data", {"license": "cc-by-sa-3.0"}),
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("ImageNet's terms: non-commercial", {"license": "other", "license_name": "imagenet-s-terms-non-commercial"}),
        ("©", {"license": "other", "license_name": "unstated"}),
    ],
)
def test_licences(text, found, card):
    front = model_card.front_matter(card(weights_license=text), [])
    assert {key: front[key] for key in front if key.startswith("license")} == found


@pytest.mark.parametrize(
    ("changes", "pipeline", "use"),
    [
        ({}, "unconditional-image-generation", 'images = keras_gans.load("hf://u/r").generate(16)'),
        ({"family": "TextToImageGAN"}, "text-to-image", '.generate("what there is to see", 16)'),
        ({"family": "LeNet", "task": "classify"}, "image-classification", ".classify(images)"),
        ({"family": "AttributeNet", "task": "classify"}, "image-classification", ".predict_attributes(images)"),
        ({"family": "SRGAN", "task": "upscale"}, "image-to-image", ".upscale(images)"),
    ],
)
def test_each_task_has_its_line_of_use(changes, pipeline, use, card):
    text = model_card.readme(card(**changes), RECORD, None, "hf://u/r")
    assert read(text)["pipeline_tag"] == pipeline
    assert use in text
    assert ("gan" in read(text)["tags"]) == (changes.get("task", "generate") == "generate")


def test_the_page(card):
    data = {
        "source": "own",
        "split": "all",
        "seen": "9 images",
        "other_than_name": "Only 9 of 60,000.",
        "note": "Small.",
    }
    before = [{"steps": 5, "hardware": "Tally stick"}]
    record = {**RECORD, "provenance": {**RECORD["provenance"], "before": before}}
    text = model_card.readme(card(data=data), record, SCORES, "hf://u/r")
    for wanted in (
        "# Toy digits\n",
        "\nA model for tests.\n",
        "![samples](samples.png)",
        "The weights saw: 9 images (own, all).",
        "Only 9 of 60,000.",
        "\nSmall.\n",
        "- Draws toys only.",
        "- code: Apache-2.0\n- weights: CC0-1.0\n",
        "- version 1: 600,000 parameters in 1,234,567 bytes",
        f"- sha256: `{'a' * 64}`",
        "- training: 5 steps, on Tally stick\n- training: 30,000 steps, 960,000 images seen, 6,517 seconds, on Abacus",
        "| fid[tiny-v1, 10k, mnist train] | 5.815 | 5.77 to 5.85 |",
        "| support[tiny-v1] | 3e-05 | 3e-05 and more |",
        "A. Author: [A paper](https://example.org), 2014.",
    ):
        assert wanted in text
    assert "datasets" not in read(text)  # its data are on no hub that is known
    assert "samples.png" not in model_card.readme(card(), record, None, "hf://u/r", picture=False)


def test_scores_of_other_weights_are_left_out(card):
    text = model_card.readme(card(), RECORD, {**SCORES, "sha256": "b" * 64}, "hf://u/r")
    assert "model-index" not in read(text)
    assert "## Scores" not in text
