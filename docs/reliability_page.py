"""docs/reliability.md: what the experiments in tests/reliability found."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Of each experiment: what was done, and what came of it, with the figures that its full version recorded.
EXPERIMENTS = {
    "downloads killed": (
        "`kill -9` at {kills} random moments of a download; then the same call again",
        "{next_calls_that_succeeded} of {kills} next calls have the file, {leftovers} leftovers; the kills fell {fell}",
    ),
    "many processes": (
        "{processes} processes load the same model at once into an empty cache, {rounds} times",
        "{loads} loads of the same weights, {downloads} downloads",
    ),
    "servers": (
        "{cases} mirrors that cut, stall, crawl, redirect, or send HTML, wrong bytes or an HTTP error; alone, and "
        "with a good mirror behind them",
        "{right_error} times the right error, after {slowest} at most; {taken_over} times the next mirror's file",
    ),
    "mutations": (
        "{total} mutations of the {files} shipped weight files: {mutations}; loaded from a folder and from the cache",
        "{caught} refused in the folder; {thrown_away} thrown out of the cache, and the shipped copy loaded instead; "
        "{assigned} times a tensor was set",
    ),
    "names": (
        "{names:,} generated names into `load`",
        "{unknown_model_errors:,} times UnknownModelError, {opened_or_connected} files, sockets or processes",
    ),
    "loads from the cache": (
        "what an audit hook sees of loading {models} from the cache",
        "{events} times that code was run, a process started, something unpickled, a socket opened or a file written",
    ),
    "hostile images": (
        "{images} hostile image files: bombs, false headers, truncations, odd modes, other formats called pictures",
        "{read_as_specified} read as specified, {refused_as_specified} refused as specified; of these none raised the "
        "memory by more than {greatest_rise_mib} MiB; {programs_started} programs were started",
    ),
    "a training run that is ended by signals": (
        "one training run of {steps} steps is ended {interruptions} times ({signals}) and started again each time",
        "the weights have the hash of the undisturbed run's; {partial_files_left} partial files are left",
    ),
    "workers killed": (
        "one of the two processes of a training run of {steps} steps gets `kill -9` at {kills} random moments, {chief} "
        "times the chief; then both are started again",
        "the other ends by itself, after {slowest_seconds} s at most; the weights have the undisturbed run's bits",
    ),
    "a damaged checkpoint": (
        "the newest checkpoint of a run is damaged, {runs} times: bits flipped, cut, emptied",
        "{noticed} times the run goes on from the one before, and {same_weights} times it ends with the same weights",
    ),
    "NaN and infinity while training": (
        "{runs} short runs with NaN or infinity in gradients, losses and data, at random",
        "{turns_skipped} turns skipped, {turns_taken} taken; every variable stays finite, every last checkpoint loads",
    ),
    **{
        f"memory of load, generate, delete: {name}": (
            f"{{cycles}} times `{name}` is loaded, drawn from and deleted",
            "{mb_a_cycle} MB a cycle after the tenth (what malloc keeps to hand is given back before it is counted)",
        )
        for name in ("vanilla_mnist", "dcgan_mnist")
    },
    **{
        f"8 threads, {models}: {name}": (
            f"8 threads draw from {models} of `{name}` at once",
            "{differing} of {batches} batches differ from one thread's",
        )
        for name in ("vanilla_mnist", "dcgan_mnist")
        for models in ("1 model", "8 models")
    },
}


def page():
    """docs/reliability.md."""
    found = json.loads((ROOT / "benchmarks" / "results" / "reliability.json").read_text())
    lines = [
        "# Reliability",
        "",
        "Written from benchmarks/results/reliability.json by docs/build_pages.py. Each row is a test, which the",
        "ordinary suite runs with fewer trials; `python -m pytest -n 0 -m full TEST` runs it in full and records this.",
        "[SECURITY.md](../SECURITY.md) says what is promised.",
        "",
        "| what was done | what came of it | test |",
        "|---|---|---|",
    ]
    for key, (done, came) in EXPERIMENTS.items():
        figures = told(found[key])
        lines.append(f"| {done.format(**figures)} | {came.format(**figures)} | `{found[key]['test']}` |")
    return "\n".join([*lines, "", *guards(found)]) + "\n"


def told(figures):
    """Figures as a sentence has them: what is a table becomes a list with commas."""
    words = {key: listed(value) if isinstance(value, dict | list) else value for key, value in figures.items()}
    if isinstance(figures.get("seconds"), dict):
        case, seconds = max(figures["seconds"].items(), key=lambda item: item[1])
        words["slowest"] = f"{seconds:.1f} s ({case})"
    if "mutations" in figures:
        words["total"] = f"{sum(figures['mutations'].values()):,}"
    return words


def listed(values):
    if isinstance(values, list):
        return " and ".join(f"`{value}`" for value in values)
    counts = {key: sum(value.values()) if isinstance(value, dict) else value for key, value in values.items()}
    return ", ".join(f"{value} {key}" for key, value in counts.items())


def guards(found):
    """Which guards there are, and which test fails without each."""
    lines = ["## Guards", "", "Each was taken out of a copy of the package; the test beside it then failed.", ""]
    lines += ["| guard | in | test that fails without it |", "|---|---|---|"]
    tried = {key.removeprefix("guard: "): value for key, value in found.items() if key.startswith("guard: ")}
    return [*lines, *(f"| {what} | `{one['file']}` | `{one['fails']}` |" for what, one in tried.items())]
