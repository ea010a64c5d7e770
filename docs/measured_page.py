"""docs/measured.md: what the scripts in benchmarks/ found, against what was aimed at."""

import json
from pathlib import Path

from keras_gans.metrics.score import HIGHER_IS_BETTER

ROOT = Path(__file__).resolve().parents[1]
COMIC = "img_005.png"  # of Set14
GIB = 4  # that a photograph of twelve megapixels may take at most
LEAST_DECIBELS = {("Set5", "srresnet_x4"): 31.5, ("Set14", "srresnet_x4"): 28.2, (COMIC, "srresnet_x4"): 23.4}


def results(name):
    """What a script in benchmarks/ found, or {} where it has not run."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def page():
    """docs/measured.md."""
    about = "Written from benchmarks/results by docs/build_pages.py; the scripts say what they measure."
    head = ["# Measured", "", about]
    tables = [
        startup_table(),
        benchmark_table(),
        digits_table(),
        attributes_table(),
        photographs_table(),
        speed_table(),
        upscaling_table(),
        large_photograph_table(),
        super_resolution_table(),
        *sanity_tables(),
        *recipe_tables(),
        text_to_image_table(),
    ]
    return "\n\n".join("\n".join(part) for part in [head, *tables] if part) + "\n"


def startup_table():
    """How quickly things start."""
    found = results("startup")
    lines = ["## Start (`python benchmarks/startup.py`)", ""]
    lines += ["| what | median | spread | aim | |", "|---|---|---|---|---|"]
    for name, result in found["seconds"].items():
        aim = found["aims"][name]
        verdict = "met" if result["median"] < aim else "missed"
        lines.append(f"| {name} | {result['median']:.3f} s | {result['spread']:.3f} s | {aim} s | {verdict} |")
    machine = found["machine"]
    said = f"Python {machine['python']}, {machine['cores']} cores, {machine['machine']}; ten fresh processes each."
    return [*lines, "", said]


def benchmark_table():
    """How fast and how large the models are, where that was measured; how good they are says docs/results.md."""
    found = results("benchmark")
    if not found:
        return []
    sizes = list(found["models"][0]["samples_per_s"])
    columns = ["parameters", "MB", "load", *(f"samples/s by {size}" for size in sizes), "training images/s", "memory"]
    versions = ", ".join(f"{name} {version}" for name, version in found["machine"]["versions"].items())
    precision = "; ".join(
        f"{kind} in {' or '.join(sorted({row['precision'][kind] for row in found['models']}))}"
        for kind in ("drawing", "training")
    )
    lines = [
        "## Models (`keras-gans benchmark --out benchmarks/results`)",
        "",
        f"{found['machine']['hardware']}; {versions}; {precision}. Medians of {found['repeats']}, lowest to highest, "
        "each model in a process of its own; memory is one reading, beyond what Keras and its backend take.",
        "",
        f"| model | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
        *(_benchmarked(row, sizes) for row in found["models"]),
    ]
    if (ROOT / "benchmarks" / "results" / "benchmark.png").is_file():
        lines += ["", "![Fréchet distance against samples a second](../benchmarks/results/benchmark.png)"]
    return lines


def _benchmarked(row, sizes):
    """A model's line of the table."""
    training = row.get("train_images_per_s")
    cells = [
        row["name"],
        f"{row['parameters']:,}",
        f"{row['bytes'] / 1e6:.1f}",
        _between(row["load_s"], ".2f", " s"),
        *(_between(row["samples_per_s"][size], ",.0f") for size in sizes),
        _between(training, ",.0f") if training else "",
        f"{row['memory_mb']:,} MB",
    ]
    return f"| {' | '.join(cells)} |"


def _between(spread, digits, unit=""):
    return f"{spread['median']:{digits}}{unit} ({spread['low']:{digits}} to {spread['high']:{digits}})"


def digits_table():
    """What the classifier says of the digits."""
    lines = ["## Digits (`python benchmarks/digits.py`)", "", "| what | value | aim | |", "|---|---|---|---|"]
    for row in results("digits"):
        verdict = "met" if row["value"] >= row["aim"] else "missed"
        lines.append(f"| {row['what']} | {row['value']:.2f} % | at least {row['aim']} % | {verdict} |")
    return lines


def upscaling_table():
    """How fast photographs are upscaled, beside PyTorch."""
    found = results("upscaling")
    if not found:
        return []
    lines = ["## Upscaling (`python benchmarks/upscaling.py`)", ""]
    lines += ["| SRResNet, float32, 256x256 four times as large | median | spread |", "|---|---|---|"]
    for side, words in (("ours", "megapixels a second"), ("theirs", "the same network in PyTorch")):
        row = found["megapixels_per_s"][side]
        lines.append(f"| {words} | {row['median']:.3f} | {row['low']:.3f} to {row['high']:.3f} |")
    row = found["ratio"]
    verdict = "met" if row["median"] >= found["aim"] else "missed"
    spread = f"{row['low']:.2f} to {row['high']:.2f}"
    lines.append(f"| ratio (at least {found['aim']:g}: {verdict}) | {row['median']:.2f} | {spread} |")
    return lines


def large_photograph_table():
    """What a photograph of twelve megapixels takes, where that was measured."""
    found = results("large_photograph")
    if not found:
        return []
    size = f"{found['width']:,}x{found['height']:,}"
    lines = [
        "## A large photograph (`python benchmarks/large_photograph.py`)",
        "",
        f"`keras-gans upscale` of {size} pixels by srresnet_x4, from PNG to PNG: the process's highest resident set.",
        "",
        "| | GiB | aim | | seconds |",
        "|---|---|---|---|---|",
    ]
    for key, words in (("upscale", "the large one"), ("compare", "`--compare`, all side by side")):
        if key in found:
            row = found[key]
            verdict = "met" if row["gib"] < GIB else "missed"
            lines.append(f"| {words} | {row['gib']:.2f} | below {GIB} | {verdict} | {row['seconds']:,.0f} |")
    beside = f", beside {found['beside']}" if "beside" in found else ""
    return [
        *lines,
        "",
        f"{found['megapixels_per_s']:.3f} megapixels of output a second, on {found['hardware']}{beside}.",
    ]


def super_resolution_table():
    """How near upscaled photographs come to the originals, where that was measured."""
    found = results("super_resolution")
    if not found:
        return []
    judge = f"distance by {found['judge']}"
    lines = [
        "## Super-resolution (`python benchmarks/super_resolution.py FOLDER...`)",
        "",
        "Four times, from the given small images; luminance without a border of 4 pixels. The judge, "
        f"{found['judge']}'s discriminator, had no part in either model's training.",
        "",
        f"| images | by | PSNR, dB | aim | | SSIM | {judge} |",
        "|---|---|---|---|---|---|---|",
    ]
    for title, folder in found["folders"].items():
        for method, row in folder["by"].items():
            aim = LEAST_DECIBELS.get((title, method))
            told = f"{row['psnr']:.2f} | {_decibels(row['psnr'], aim)} | {row['ssim']:.4f} | {row[found['judge']]:.4f}"
            lines.append(f"| {title} ({folder['images']}) | {method} | {told} |")
        for method, value in folder["psnr"][COMIC].items() if title == "Set14" else []:
            aim = LEAST_DECIBELS.get((COMIC, method))
            lines.append(f"| Set14's comic | {method} | {value:.2f} | {_decibels(value, aim)} | | |")
    lines += _beside_srresnet(found["folders"].get("Set14", {"by": {}})["by"], found["judge"])
    columns = ", ".join((*found["folders"].get("Set14", {"by": {}})["by"], "the photograph"))
    where = "comic, baboon (twice) and bridge of Set14, four times as large"
    return [*lines, "", f"![{where}: {columns}](images/super_resolution.png)", f"*{where}: {columns}*"]


def _beside_srresnet(by, judge):
    """How the adversarial part changed what SRResNet draws, on Set14: less PSNR, and nearer to the judge."""
    if not {"bicubic", "srresnet_x4", "srgan_x4"} <= set(by):
        return []
    bicubic, smooth, sharp = (by[method] for method in ("bicubic", "srresnet_x4", "srgan_x4"))
    less = smooth["psnr"] - sharp["psnr"]
    within = "met" if 1 <= less <= 3 else "missed"
    nearer = "met" if sharp[judge] < min(smooth[judge], bicubic[judge]) else "missed"
    return [
        "",
        f"On Set14 srgan_x4's PSNR is {less:.2f} dB below srresnet_x4's (aim: 1 to 3: {within}); its distance by the "
        f"judge is to be below srresnet_x4's and bicubic's: {nearer}.",
    ]


def _decibels(value, aim):
    """Cells of the aim, and whether it was met."""
    return " | " if aim is None else f"at least {aim:g} | {'met' if value >= aim else 'missed'}"


def photographs_table():
    """How well tiny names photographs."""
    found = results("tiny")
    if not found:
        return []
    lines = ["## Photographs (`python benchmarks/tiny.py`)", ""]
    lines += [
        f"{found['model']} on {found['images']:,} images that it did not see, {found['data']} {found['split']}.",
        "",
    ]
    lines += ["| right among its | value | 95 % | aim | |", "|---|---|---|---|---|"]
    for name, aim in (("top_1", 40), ("top_5", None)):
        row = found[name]
        low, high = row["interval"]
        verdict = "" if aim is None else "met" if row["value"] >= aim else "missed"
        wanted = "" if aim is None else f"at least {aim} %"
        guesses = {"top_1": "first guess", "top_5": "first five"}[name]
        lines.append(f"| {guesses} | {row['value']:.2f} % | {low:.2f} to {high:.2f} % | {wanted} | {verdict} |")
    return lines


def attributes_table():
    """How well faces' attributes are read; nothing where that was not measured yet."""
    found = results("attributes")
    if not found:
        return []
    lines = [
        "## Attributes of faces (`python benchmarks/attributes.py`)",
        "",
        f"{found['model']} on the {found['images']:,} images of {found['data']}, which it did not see; in per cent.",
        "",
        "| attribute | how often | accuracy | of the commoner answer | average precision |",
        "|---|---|---|---|---|",
    ]
    for row in found["attributes"]:
        name, *values = row.values()
        lines.append(f"| {name} | " + " | ".join(f"{100 * value:.1f}" for value in values) + " |")
    return lines


def speed_table():
    """The metrics against the usual way, where that was measured."""
    found = results("metrics")
    if not found:
        return []
    fast, slow = found["frechet_s"], found["sqrtm_s"]
    met = "met" if found["ratio"] >= 5 else "missed"
    small = "met" if found["prdc"]["gib"] < 2 else "missed"
    rows, numbers = f"{found['rows']:,}", f"{found['features']:,}"
    return [
        "## Speed of the metrics (`python benchmarks/metrics.py`)",
        "",
        f"{rows} rows of {numbers} features a side, {found['machine']['cores']} cores, "
        f"NumPy {found['versions']['numpy']}, SciPy {found['versions']['scipy']}; "
        f"medians of {found['repeats']}, lowest to highest.",
        "",
        "| what | value | aim | |",
        "|---|---|---|---|",
        f"| Fréchet distance, moments included | {_between(fast, '.1f', ' s')} | | |",
        f"| the same by scipy.linalg.sqrtm | {_between(slow, '.1f', ' s')} | | |",
        f"| ratio | {found['ratio']:.1f} | at least 5 | {met} |",
        f"| memory of precision, recall, density, coverage | {found['prdc']['gib']:.2f} GiB | under 2 GiB | {small} |",
    ]


def sanity_tables():
    """Whether metrics order real images, strong and weak models and noise; what breaks the order is marked."""
    tables = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("sanity_*.json")):
        found = results(path.stem)
        names = [key for key in found["rows"][0] if key != "row"]
        case = path.stem.removeprefix("sanity_")
        lines = [
            f"## Order of {case} (`python benchmarks/sanity.py {case}`)",
            "",
            f"{found['samples']:,} images a row, features of {found['features']}; {found['model']}, its recipe after "
            "300 steps, and uniform noise. **Bold** breaks the order of its column."
            + (" `support` is a lower bound where no two samples are alike." if "support" in names else ""),
            "",
            "| | " + " | ".join(names) + " |",
            "|---" * (len(names) + 1) + "|",
        ]
        for i, row in enumerate(found["rows"]):
            cells = [_ordered(found["rows"], i, name) for name in names]
            lines.append(f"| {row['row']} | " + " | ".join(cells) + " |")
        tables.append(lines)
    return tables


def _ordered(rows, i, name):
    """A cell; bold where it is better than the row before. Equal ones, as bounds may be, break no order."""
    value, before = rows[i][name], rows[i - 1][name] if i else None
    higher = HIGHER_IS_BETTER[name]
    wrong = before is not None and (value > before if higher else value < before)
    shown = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.3f}"
    return f"**{shown}**" if wrong else shown


def recipe_tables():
    """The recipes of a card against one another, where that was measured."""
    return [
        _recipe_table(results(path.stem)) for path in sorted((ROOT / "benchmarks" / "results").glob("recipes_*.json"))
    ]


def _recipe_table(found):
    """What each part of a card's `modern` does, the shipped recipe first, and ten samples of each."""
    name = found["model"]
    lines = [
        f"## Recipes of {name} (`python benchmarks/recipes.py {name}`)",
        "",
        f"{found['images_seen']:,} images seen each from the start, the shipped width, on {found['hardware']}. "
        'The card\'s protocol, one sampling seed; one run each, "another seed" shows how far apart two lie.',
        "",
        "| recipe | Fréchet distance | coverage | recall | steps | seconds | seed 0, the first ten |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["recipes"]:
        took = f"{row['steps']:,} | {row['seconds']:,}" if "steps" in row else "|"
        strip = f"![ten samples]({row['samples']})" if "samples" in row else ""
        scores = f"{row['fid']} | {row['coverage']:.3f} | {row['recall']:.3f}"
        lines.append(f"| {row['recipe']} | {scores} | {took} | {strip} |")
    return lines


# What benchmarks/text_to_image.py aims at: colours, as a share of the photographs'; retrieval.
OBEDIENCE = {"flowers": (0.80, 0.20), "birds": (0.70, 0.15)}
REJECTION = 0.75


def text_to_image_table():
    """How models that draw sentences obey them, where that was measured."""
    rows = [results(path.stem) for path in sorted((ROOT / "benchmarks" / "results").glob("text_to_image_*.json"))]
    if not rows:
        return []
    lines = [
        "## Text to image (`python benchmarks/text_to_image.py NAME`)",
        "",
        "Captions and photographs of kinds that training did not see. Colour: of captions that name one, how often it "
        "is the picture's, by the nearest of the colours' means over training photographs.",
        "",
        "| model | what | value | aim | |",
        "|---|---|---|---|---|",
    ]
    for found in rows:
        lines += [f"| {found['model']} | {what} | {value} | {aim} | {met} |" for what, value, aim, met in _obeys(found)]
    return lines


def _obeys(found):
    """(what, value, aim, verdict) of one model."""
    colour, retrieval = OBEDIENCE["birds" if "bird" in found["model"] else "flowers"]
    real = found["colour"]["photographs"]
    yield f"colour of the photographs, {found['colour']['captions']:,} captions", f"{real:.1%}", "", ""
    for who in ("model", "control"):
        if who in found["colour"]:
            share, aimed = found["colour"][who] / real, colour if who == "model" else None
            said = "colour as asked, of the photographs'" + ("" if aimed else ", without wrong sentences")
            yield said, f"{share:.1%}", *_against(share, aimed)
    yield "own caption within 10 of 500", f"{found['retrieval']:.1%}", *_against(found["retrieval"], retrieval)
    yield "right caption before another's", f"{found['rejection']:.1%}", *_against(found["rejection"], REJECTION)
    for who, distance in found["distance"].items():
        yield f"Fréchet distance to the photographs, {who}", f"{distance:.2f}", "", ""


def _against(value, aim):
    """(aim, verdict) as cells."""
    return ("", "") if aim is None else (f"at least {aim:.0%}", "met" if value >= aim else "missed")
