"""Writes what repeats model folders and measurements: README's table, NOTICE, and the pages that `pages` lists.

python docs/build_pages.py        # writes; tests/test_docs.py fails when they have drifted
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import measured_page  # noqa: E402
import reliability_page  # noqa: E402
import results_page  # noqa: E402
import speed_page  # noqa: E402

from keras_gans import artifacts  # noqa: E402
from keras_gans.zoo import registry  # noqa: E402

BEGIN, END = "<!-- models: written by docs/build_pages.py -->", "<!-- end of models -->"


def size_of(card):
    """28x28x1, or 10 classes, or 40 attributes."""
    a = card.architecture
    if "attributes" in a:
        return f"{len(a['attributes'])} attributes"
    if card.task == "upscale":
        return f"any, x{a['scale']}"
    if "size" in a:
        return f"{a['size']}x{a['size']}x{a.get('channels', 3)}"
    return f"{a['num_classes']} classes"


def table(cards):
    """README's table of models."""
    rows = [
        "| model | what it draws | images | weights | data the weights saw | weights' licence |",
        "|---|---|---|---|---|---|",
    ]
    for card in cards:
        weights = "recipe only"
        if card.status == "pretrained":
            weights = f"{artifacts.read_provenance(card.folder)['bytes'] / 1e6:.1f} MB"
        link = f"[`{card.name}`](docs/models.md#{card.name})"
        rows.append(
            f"| {link} | {card.title} | {size_of(card)} | {weights} | {card.data['seen']} | {card.weights_license} |"
        )
    return "\n".join(rows)


def readme(cards):
    """README with its table made anew."""
    text = (ROOT / "README.md").read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(cards)}\n{END}{after}"


def section(card):
    """One model's part of docs/models.md."""
    paper = card.paper
    lines = [
        f"## {card.name}",
        "",
        f"{card.description} After {paper['authors']}: [{paper['title']}]({paper['url']}), {paper['year']}.",
        "",
    ]
    folder = f"../zoo/models/{card.name}"
    drawn = {
        "generate": "seed 0, not picked",
        "upscale": "squares of photographs that it was trained on, not picked: bicubic, its own, the original",
    }.get(card.task, "the filters of its first layer")
    trained = len(artifacts.read_provenance(card.folder)["provenance"].get("before", [])) if has_weights(card) else 0
    losses = f"losses by step of the last of {trained + 1} trainings" if trained else "losses by step"
    for picture, words in (("samples.png", drawn), ("curve.png", losses)):
        if (card.folder / picture).is_file():
            lines += [f"![{card.name}: {words}]({folder}/{picture})", f"*{words}*", ""]
    if card.status == "pretrained":
        record = artifacts.read_provenance(card.folder)
        lines += [*near_training_images(card, record), *made(record)]
    lines += [f"- Data: {card.data['seen']} ({card.data['source']}, {card.data['split']})"]
    lines += [f"- Licences: code {card.license}; weights {card.weights_license}"]
    lines += [f"- Recipes: {', '.join(card.recipes)}; `keras-gans train {card.name}` takes {card.default_recipe}"]
    lines += [f"- Limit: {limit}" for limit in card.limits]
    return "\n".join(lines)


def has_weights(card):
    return card.status == "pretrained"


def made(record):
    """How the weights came to be."""
    p = record["provenance"]
    trainings = [*p.get("before", []), p]
    return [
        f"- Weights: {record['parameters']:,} parameters, {record['bytes']:,} bytes",
        *(
            f"- {'Went on for' if i else 'Made in'} {p['seconds']:,} s: {p['steps']:,} steps, "
            f"{p['images_seen']:,} images seen ({p['images_seen'] / p['seconds']:.0f} a second), on {p['hardware']}"
            for i, p in enumerate(trainings)
        ),
    ]


def near_training_images(card, record):
    """The samples that are closest to a training image, of the weights that stand there; the card's limits say more."""
    found = measured_page.results("memorization").get(card.name, {})
    if found.get("sha256") != record["sha256"]:
        return []
    return [
        f"![{card.name}: the samples that are, by pixels, closest to a training image](images/nearest_{card.name}.png)",
        f"*the 16 of {found['samples']:,} samples that are, by pixels, closest to a training image, which stands right "
        "of each (`python benchmarks/memorization.py`)*",
        "",
    ]


def models_page(cards):
    """docs/models.md."""
    head = "# The models\n\nWritten from the model folders by docs/build_pages.py.\n"
    return "\n\n".join([head.strip(), *(section(card) for card in cards)]) + "\n"


NOTICE = """keras-gans

The code is licensed under the Apache License, Version 2.0 (LICENSE). The weights of the models that ship with it are
not: each file has the licence that stands below it.
"""


def notice(cards):
    """NOTICE: under which licence each weights file may be used, and whose data made it."""
    shipped = [card for card in cards if card.status == "pretrained"]
    parts = [
        f"zoo/models/{card.name}/{artifacts.WEIGHTS}\n    {card.weights_license}\n    Trained on {card.data['seen']}"
        for card in shipped
    ]
    return "\n".join([NOTICE, *(f"{part}\n" for part in parts or ["No weights ship yet."])])


def pages():
    """{path: text} of all that is written here."""
    cards = registry.list_models()
    return {
        ROOT / "README.md": readme(cards),
        ROOT / "docs" / "models.md": models_page(cards),
        ROOT / "docs" / "measured.md": measured_page.page(),
        ROOT / "docs" / "speed.md": speed_page.page(),
        ROOT / "docs" / "results.md": results_page.page(cards),
        ROOT / "docs" / "reliability.md": reliability_page.page(),
        ROOT / "NOTICE": notice(cards),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
