"""What the scripts beside a peer found, as tables of Markdown: docs/speed.md, which docs/build_pages.py writes.

A script that has not run has no table. One that ran with other arguments and --out results/train_step_width32.json has
a second one.
"""

import json

import peers


def results(name):
    """What a script found, each time that it was written to a file whose name begins with its own."""
    paths = [peers.RESULTS / f"{name}.json", *sorted(peers.RESULTS.glob(f"{name}_*.json"))]
    return [json.loads(path.read_text()) for path in paths if path.is_file()]


def between(row, digits=2, unit=""):
    """A spread: "1.20 (1.10 to 1.30)"."""
    return f"{row['median']:,.{digits}f}{unit} ({row['low']:,.{digits}f} to {row['high']:,.{digits}f})"


def table(columns, rows):
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


def measured_on(found):
    """A line about the machine."""
    machine = found["machine"]
    flags = ", ".join(name if there else f"no {name}" for name, there in machine["flags"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    busy = machine["load_at_start"] > peers.BUSY
    load = f" Others computed at the time (load average {machine['load_at_start']})." if busy else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores ({flags}); {versions}; medians of {found['repeats']}.{load}"
    )


def rates(found):
    """Rates beside the ratio of ours to each."""
    return [
        [name, between(row, 1), between(found["ratio_of_ours_to"][name]) if name in found["ratio_of_ours_to"] else ""]
        for name, row in found["images_per_s"].items()
    ]


def to_the_best(found):
    row = found.get("to_the_best")
    return [f"Ours to the fastest peer, {row['peer']}: {between(row)}, {peers.verdict(row)}.", ""] if row else []


def train_step(found):
    lines = []
    for precision, row in found["precision"].items():
        lines += [f"DCGAN-64, width {found['width']}, batch {found['batch']}, {precision}.", ""]
        lines += table(["train step", "images/s", "ours, times as fast"], rates(row))
        fit = row["fit_of_bare_step"]
        lines += [
            "",
            *to_the_best(row),
            f"`fit` is {between(fit)} times as fast as the step: {peers.verdict(fit)}.",
            "",
        ]
    return lines


def sampling(found):
    lines = []
    for size, row in found["batch_size"].items():
        lines += table([f"drawing, {size} at once", "images/s", "ours, times as fast"], rates(row))
        lines += ["", *to_the_best(row)]
        if "to_disk" in row:
            lines += [f"To disk, ours is {between(row['to_disk'])} times as fast as PyTorch.", ""]
    return lines


def first_image(found):
    parts = ("whole", "import", "load", "draw")
    rows = [
        [role, *(between(row[part], 2, " s") if part in row else "" for part in parts)]
        for role, row in found["seconds"].items()
    ]
    ratios = ", ".join(f"{between(row)} of {name}" for name, row in found["ratio_of_ours_to"].items())
    return [*table(["fresh process", *parts], rows), "", f"Ours is so many times as fast: {ratios}.", ""]


def distribution(found):
    rows = [
        [name, between(row, 1), between(found["of_one_device"][name]) if name in found["of_one_device"] else ""]
        for name, row in found["images_per_s"].items()
    ]
    lines = [*table([f"`fit`, batch of {found['batch']} in all", "images/s", "times one device"], rows), ""]
    if "second_core" in found:
        gain = between(found["second_core"])
        lines += [f"A second process with a core of its own is {gain} times as fast as one alone.", ""]
    return lines


def matmul_share(found):
    lines = []
    for precision, row in found["precision"].items():
        share = row["share"]
        best = max(rate["median"] for rate in row["product_flop_per_s"]["tensorflow"].values())
        lines += [
            f"{precision}: a step multiplies {row['flop_of_a_step'] / 1e9:,.1f} GFLOP, the machine "
            f"{best / 1e9:,.1f} GFLOP/s; the step reaches {share['median']:.0%}, {peers.verdict(share)}.",
            "",
            *table(["of the step's time", "share"], [[kind, f"{x:.0%}"] for kind, x in row["share_of_time"].items()]),
            "",
            *table(["products of a step, each alone", "seconds", "GFLOP/s"], products(row["parts"])),
            "",
        ]
    return lines


def products(parts):
    """Rows of how fast convolutions go forward, and back to what they saw and to their weights."""
    rows = []
    for way in ("forward", "to inputs", "to weights"):
        those = [part for part in parts if part["kind"] == "product" and part["part"].endswith(way)]
        taken = [part["times"] * part["seconds"]["median"] for part in those]
        work = sum(seconds * part["flop_per_s"] for seconds, part in zip(taken, those, strict=True))
        if taken:
            rows.append([way, f"{sum(taken):.2f}", f"{work / sum(taken) / 1e9:,.0f}"])
    return rows


def pipeline(found):
    rows = [
        [
            kind,
            between(row["batches_per_s"]["later"], 1),
            f"{row['times_what_the_step_takes']['median']:,.1f}, {peers.verdict(row['times_what_the_step_takes'])}",
            f"{row['waited_share_of_fit']['median']:.1%}",
            between(row["seconds_before_the_first_step"], 2, " s"),
        ]
        for kind, row in found["kinds"].items()
    ]
    columns = ["images", "batches/s alone", "times what the step takes", "`fit` waits", "before the first step"]
    return [*table(columns, rows), ""]


def memory(found):
    cells = {}
    for row in found["rows"]:
        name = f"{row['who']}, {'kept' if row['kept'] else 'environment as it is'}"
        cells.setdefault((row["work"], name), {})[row["size"]] = f"{row['peak_mib']['median']:,.0f} MiB"
    sizes = sorted({row["size"] for row in found["rows"]})
    rows = [[work, name, *(of_size.get(size, "") for size in sizes)] for (work, name), of_size in cells.items()]
    return [*table(["peak of", "process", *(f"{size} at once" for size in sizes)], rows), ""]


TABLES = (train_step, sampling, first_image, distribution, matmul_share, pipeline, memory)


def page():
    """All of them, each under its script."""
    lines = []
    for of_script in TABLES:
        every = results(of_script.__name__)
        lines += [f"## `python benchmarks/{of_script.__name__}.py`", ""] if every else []
        for found in every:
            lines += [*of_script(found), measured_on(found), ""]
    return "\n".join(lines)
