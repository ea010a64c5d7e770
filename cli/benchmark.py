"""keras-gans benchmark"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from . import output, reference


@click.command(short_help="Measure speed, size and quality on this machine.")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=reference.complete)
@click.option("--batch-size", "sizes", type=click.IntRange(1), multiple=True, metavar="N", help="[default: 1, 16, 64]")
@click.option("--repeats", type=click.IntRange(1), metavar="N", default=5, show_default=True, help="Of everything.")
@click.option("--no-train", is_flag=True, help="Leave training out.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("benchmark"),
    show_default=True,
    help="Folder for benchmark.json, .csv and .png.",
)
@output.json_option
def command(
    names: tuple[str, ...], sizes: tuple[int, ...], repeats: int, no_train: bool, out: Path, as_json: bool
) -> None:
    """Measure models on this machine, each in a process of its own: medians after a warm-up, with their spread.

    Quality is what `keras-gans evaluate --record` wrote into the model's folder; the plot shows it against speed, a
    panel for each protocol.

    \b
      keras-gans benchmark
      keras-gans benchmark dcgan_lsun ./runs/mine/model --batch-size 64 --no-train
    """
    from keras_gans.artifacts import write_atomically
    from keras_gans.data.images import save_png

    from . import scatter

    found = _measured(names, sizes, repeats, no_train)
    write_atomically(out / "benchmark.json", (json.dumps(found, indent=2) + "\n").encode())
    write_atomically(out / "benchmark.csv", table_of(found).encode())
    panels = panels_of(found)
    if panels:
        save_png(out / "benchmark.png", scatter.draw(panels))
    if as_json:
        output.say_json(found)
        return
    columns = columns_of(found)
    output.say(machine_of(found))
    output.table(columns, [shown(row) for row in found["models"]], right=columns[2:])
    output.say("Medians, with lowest and highest; memory is one reading.")
    output.note(f"wrote {out}/benchmark.json, .csv{' and .png' if panels else ''}")


def _measured(names: tuple[str, ...], sizes: tuple[int, ...], repeats: int, no_train: bool) -> dict[str, Any]:
    import keras_gans
    from keras_gans.api.benchmark import BATCH_SIZES

    chosen = [reference.find(name)[0] for name in names] or None
    return keras_gans.benchmark(
        chosen,
        batch_sizes=sizes or BATCH_SIZES,
        repeats=repeats,
        train=not no_train,
        progress=lambda name: output.note(f"measuring {name}"),
    )


def machine_of(found: Mapping[str, Any]) -> str:
    """One line: hardware, versions, precision, repeats."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['hardware']}; {versions}; {precision_of(found)}; medians of {found['repeats']}"


def precision_of(found: Mapping[str, Any]) -> str:
    """What the models computed in: "drawing float32, training float32"."""
    kinds = {kind: {row["precision"][kind]: None for row in found["models"]} for kind in ("drawing", "training")}
    return ", ".join(f"{kind} {' or '.join(words)}" for kind, words in kinds.items())


def columns_of(found: Mapping[str, Any]) -> list[str]:
    """The columns of the screen's table; speed by batch size."""
    sizes = found["models"][0]["samples_per_s"] if found["models"] else ()
    speeds = (f"samples/s by {size}" for size in sizes)
    return ["model", "quality", "parameters", "bytes", "load", *speeds, "training images/s", "memory"]


def shown(row: Mapping[str, Any]) -> list[str]:
    """A model's line on the screen."""
    training = row.get("train_images_per_s")
    return [
        row["name"],
        quality_of(row),
        f"{row['parameters']:,}",
        output.size(row["bytes"]),
        _seconds(row["load_s"]),
        *map(_rate, row["samples_per_s"].values()),
        _rate(training) if training else "-",
        f"{row['memory_mb']:,} MB",
    ]


def quality_of(row: Mapping[str, Any]) -> str:
    """The recorded Fréchet distance with its protocol, or "-"."""
    from keras_gans.metrics import Score

    scores = [Score.from_dict(score) for score in row["scores"]]
    return next((str(score) for score in scores if score.metric == "fid"), "-")


def _rate(spread: Mapping[str, float]) -> str:
    return f"{spread['median']:,.0f} ({spread['low']:,.0f} to {spread['high']:,.0f})"


def _seconds(spread: Mapping[str, float]) -> str:
    return f"{spread['median']:.2f} s ({spread['low']:.2f} to {spread['high']:.2f})"


def table_of(found: Mapping[str, Any]) -> str:
    """The same as CSV: one line a model, every number on its own, and what it was measured on."""
    rows = [_flat({**row, **found["machine"], "repeats": found["repeats"]}) for row in found["models"]]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "scores":
            for score in value:
                low, high = score.get("interval") or (None, None)
                flat[score["protocol"]] = score["value"]
                flat |= {f"{score['protocol']}.low": low, f"{score['protocol']}.high": high}
        elif isinstance(value, dict):
            flat.update({f"{key}.{inner}": item for inner, item in _flat(value).items()})
        else:
            flat[key] = value
    return flat


def panels_of(found: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """[(protocol, [(name, samples a second, Fréchet distance)])]: models of one protocol in one panel."""
    panels: dict[str, list[tuple[str, float, float]]] = {}
    for row in found["models"]:
        speeds: Mapping[str, Any] = row["samples_per_s"]
        speed = speeds[max(speeds, key=int)]["median"]
        for score in row["scores"]:
            if score["metric"] == "fid":
                panels.setdefault(score["protocol"], []).append((row["name"], speed, score["value"]))
    return sorted(panels.items())
