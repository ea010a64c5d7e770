"""What the scripts in benchmarks/ decide before they measure, how their processes take turns, and that they run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_gans
from keras_gans.cli import memory as cli_memory

BENCHMARKS = str(Path(__file__).resolve().parents[1] / "benchmarks")
sys.path.insert(0, BENCHMARKS)
import colours  # noqa: E402
import distribution  # noqa: E402
import matmul_share  # noqa: E402
import peers  # noqa: E402
import pipeline  # noqa: E402
import recipes  # noqa: E402
import sampling  # noqa: E402
import tables  # noqa: E402
import text_to_image  # noqa: E402
import train_step  # noqa: E402

sys.path.remove(BENCHMARKS)

# A contestant that needs no library: it counts its requests, and prints what is no answer.
COUNTING = f"""
import os, sys
sys.path.insert(0, {BENCHMARKS!r})
import peers

def contestant(name, log):
    print("building", name)
    asked = []

    def seconds(value):
        print("working")
        asked.append(value)
        with open(log, "a") as file:
            file.write(name)
        return [name, sum(asked), os.environ.get("MALLOC_ARENA_MAX"), os.environ.get("ROLE")]

    return {{"seconds": seconds}}

peers.run(lambda: print("all of it"), contestant)
"""


@pytest.mark.parametrize(
    ("caption", "measure", "colour"),
    [
        ("this flower is Red, with long petals", colours.FLOWERS, "red"),
        ("red petals and a yellow centre", colours.FLOWERS, None),
        ("a flower with many petals", colours.FLOWERS, None),
        ("a coloured flower, bluered", colours.FLOWERS, None),
        ("a small grey bird with a long beak", colours.BIRDS, "gray"),
        ("the belly is mostly white", colours.BIRDS, "white"),
        ("this bird has a red beak", colours.BIRDS, None),
        ("a yellow bird with black wings", colours.BIRDS, None),
    ],
)
def test_the_colour_that_a_caption_names(caption, measure, colour):
    assert colours.named(caption, measure) == colour


def test_who_is_found_among_the_first_ten():
    agreement = np.eye(20)
    assert text_to_image.ranked(agreement) == 1
    agreement[0, 1:10] = 2  # nine are better
    assert text_to_image.ranked(agreement) == 1
    agreement[0, 1:11] = 2
    assert text_to_image.ranked(agreement) == 0.95
    assert text_to_image.ranked(np.zeros((20, 20))) == 0  # all alike: nothing is found
    with pytest.raises(SystemExit, match="the reader is broken"):
        text_to_image.ranked(np.full((20, 20), np.nan))


def test_lab_of_known_colours():
    found = colours.lab(np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    np.testing.assert_allclose(found, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2]], atol=0.1)


def test_the_middles_saturated_half_is_what_is_measured():
    """A red thing on grey, and green all around the middle, which is not looked at."""
    image = np.zeros((1, 16, 16, 3), "uint8")
    image[...] = (0, 255, 0)
    image[:, 4:12, 4:12] = 128
    image[:, 4:12, 4:8] = (255, 0, 0)
    np.testing.assert_allclose(colours.measured(image, colours.FLOWERS), [[53.24, 80.09, 67.2]], atol=0.1)
    blue = np.full((1, 16, 16, 3), (0, 0, 255), "uint8")
    of = colours.Prototypes(np.concatenate([image, blue]), ["red", "blue"], colours.FLOWERS).of
    assert of(np.concatenate([blue, image])) == ["blue", "red"]


@pytest.mark.parametrize("name", ["dcgan_cifar10", "dcgan_celeba", "dcgan_lsun", "dcgan_pokemon"])
def test_variants_differ_from_the_recipe_and_end_with_the_run(name):
    card = keras_gans.info(name)
    found = {variant: recipes.recipe_of(card, variant, 3200) for variant in recipes.variants(card)}
    modern = found["modern"]
    assert [variant for variant, recipe in found.items() if recipe == modern] == ["modern"]
    assert found["batches of 64"]["steps"] == 50
    for variant, recipe in found.items():
        rate = recipe["compile"]["discriminator_optimizer"]["learning_rate"]
        flat = variant == "rates that do not fall"
        assert (
            isinstance(rate, float) if flat else rate["end"] == recipe["steps"] > rate["start"] and "every" not in rate
        )
    assert recipes.recipe_of(card, "paper", 3200)["steps"] == 25
    with pytest.raises(SystemExit, match="'other' is no recipe of"):
        recipes.recipe_of(card, "other", 3200)


# --- processes that take turns --------------------------------------------------------------------------


@pytest.fixture
def counting(tmp_path):
    """(script, log) of contestants that append their names to the log when they are asked."""
    script = tmp_path / "counting.py"
    script.write_text(COUNTING)
    return script, tmp_path / "log"


def test_contestants_take_turns_and_every_other_round_backwards(counting):
    script, log = counting
    with peers.field(script, {name: {"name": name, "log": str(log)} for name in "abc"}) as workers:
        taken = peers.alternate(workers, 3, value=2)
    assert log.read_text() == "abccbaabc"
    assert [answer[:2] for answer in taken["b"]] == [["b", 2], ["b", 4], ["b", 6]]


def test_freed_memory_is_kept_for_both_sides_or_for_none(counting, monkeypatch):
    script, log = counting
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    common = {"name": "a", "log": str(log)}
    entries = {"kept": common, "as it is": {**common, "kept": False, "env": {"ROLE": "peer"}}}
    with peers.field(script, entries) as workers:
        found = {name: worker.ask("seconds", value=1)[2:] for name, worker in workers.items()}
    assert found == {"kept": ["1", None], "as it is": [None, "peer"]}
    names = [name for name, _, _ in cli_memory._SETTINGS]
    assert all(peers.environment()[name] == peers.train_settings()[name] for name in names)
    assert not set(names) & set(peers.environment(kept=False))


def test_a_team_works_together_and_its_first_one_answers(counting):
    script, log = counting
    with peers.field(script, {"team": [{"name": name, "log": str(log)} for name in "xy"]}) as workers:
        assert workers["team"].ask("seconds", value=5)[:2] == ["x", 5]
        assert workers["team"].ask("seconds", value=1)[:2] == ["x", 6]
    assert sorted(log.read_text()) == [*"xxyy"]


def test_a_contestant_that_fails_ends_the_measurement(counting, capfd):
    script, log = counting
    with (
        pytest.raises(SystemExit, match="ended with exit code 1"),
        peers.field(script, {"a": {"name": "a", "log": str(log)}}) as workers,
    ):
        workers["a"].ask("seconds", value="no number")
    assert "TypeError" in capfd.readouterr().err
    assert subprocess.run([sys.executable, script], capture_output=True, text=True).stdout == "all of it\n"


def test_ratios_are_of_the_same_round():
    taken = {"ours": [1.0, 2.0, 4.0], "torch plain": [2.0, 2.0, 12.0], "torch example": [1.0, 1.0, 1.0]}
    found = {"images_per_s": peers.rates(taken, 8), "ratio_of_ours_to": peers.ratios(taken)}
    assert found["images_per_s"]["ours"] == {"median": 4.0, "low": 2.0, "high": 8.0}
    assert found["ratio_of_ours_to"]["torch plain"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    best = peers.against_the_best(found, "torch", 1.5)["to_the_best"]
    assert (best["peer"], best["median"], best["met"]) == ("torch example", 0.5, False)
    assert peers.against_the_best({**found, "images_per_s": {"ours": best}}, "torch", 1.5) == {}
    assert peers.judged({"median": 1.5}, 1.5)["met"]


def test_a_quick_try_overwrites_no_result(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(peers, "has_peer", lambda: False)
    parser = peers.parser("what it is", repeats=5)
    parser.add_argument("--width", type=int, default=64)
    quick = peers.asked(parser, ["--quick"], {"width": 2})
    assert (quick.width, quick.repeats, quick.peer) == (2, 1, False)
    assert 'pip install "keras_gans[bench]" brings PyTorch' in capsys.readouterr().out
    peers.write("a", {"x": 1 / 3}, quick)
    assert not (tmp_path / "results").exists()
    whole = peers.asked(parser, [], {"width": 2})
    assert (whole.width, whole.repeats) == (64, 5)
    peers.write("a", {"x": 1 / 3}, whole)
    written = json.loads((tmp_path / "results" / "a.json").read_text())
    assert written["x"] == 0.33333
    assert written["machine"]["cores"] == peers.cores()
    assert [*written["machine"]["flags"]] == ["avx2", "avx512f", "avx512_bf16", "amx_bf16"]


@pytest.mark.parametrize("flag", [None, "avx512_bf16", "amx_bf16"])
def test_emulated_bfloat16_is_named(flag, monkeypatch, capsys):
    monkeypatch.setattr(peers, "_cpuinfo", lambda: {"flags": f"avx2 {flag}"})
    parser = peers.parser("", repeats=1)
    parser.add_argument("--precision", nargs="+", default=["float32"])
    peers.asked(parser, ["--precision", "float32", "bfloat16"])
    assert ("it is emulated" in capsys.readouterr().out) == (flag is None)
    assert peers.machine()["flags"]["avx2"]


# --- what they count and compare ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contestants(tmp_path_factory):
    """Ours and the tutorial's, of width 2, in this process."""
    sys.path.insert(0, BENCHMARKS)  # from where the tutorial's is imported
    try:
        common = {"width": 2, "batch": 2, "precision": "float32", "folder": str(tmp_path_factory.mktemp("start"))}
        return {who: train_step.contestant(who, **common) for who in ("ours", "tutorial")}
    finally:
        sys.path.remove(BENCHMARKS)


@pytest.mark.slow
def test_the_tutorials_step_is_the_same_work_as_ours(contestants):
    first = {who: methods["first"]() for who, methods in contestants.items()}
    apart = train_step.check_same(first, "float32")
    assert apart["tutorial"] < 1e-4
    other = {**first["tutorial"], "g_loss": first["tutorial"]["g_loss"] - 2e-4}
    with pytest.raises(SystemExit, match="losses differ by more than"):
        train_step.check_same({"ours": first["ours"], "other": other}, "float32")


def test_what_a_step_multiplies():
    from keras_gans.models import DCGAN

    model = DCGAN(size=28, channels=1, width=2, latent=5, kernel=4)
    drawn = {"project": 5 * (7 * 7 * 4), "up_0": 7 * 7 * 16 * 4 * 2, "up_1": 14 * 14 * 16 * 2}
    judged = {"down_0": 14 * 14 * 16 * 2, "down_1": 7 * 7 * 16 * 2 * 4, "logit": 7 * 7 * 4}
    assert matmul_share.products(model.generator, 3) == {name: 6 * size for name, size in drawn.items()}
    assert matmul_share.products(model.discriminator, 3) == {name: 6 * size for name, size in judged.items()}
    generator, discriminator = sum(drawn.values()), sum(judged.values())
    # Four passes of G's size and eight of D's, without the inputs of G's first layer and twice of D's.
    least = 4 * generator - drawn["project"] + 8 * discriminator - 2 * judged["down_0"]
    assert matmul_share.products_of_a_step(model, 3) == 6 * least


@pytest.mark.slow
def test_the_parts_of_a_step_are_as_many_as_its_products():
    from keras_gans.models import DCGAN

    model = DCGAN(size=28, channels=1, width=2, latent=5)
    model.compile(ema_decay=None)
    rows = matmul_share.parts(model, 2, repeats=1)
    products = [row for row in rows if row["kind"] == "product"]
    total = sum(row["times"] * row["flop_per_s"] * row["seconds"]["median"] for row in products)
    assert total == pytest.approx(matmul_share.products_of_a_step(model, 2))
    assert {row["kind"] for row in rows} == {"product", "batch normalisation", "activation", "optimizer", "latents"}
    shares = matmul_share.by_kind(rows, step=1.0)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["remainder"] < 1.0


def test_pictures_that_differ_are_other_pictures(tmp_path, rng):
    class Worker:
        options = {}

    ours = rng.integers(0, 255, (2, 4, 4, 3), dtype="uint8")
    np.save(tmp_path / "ours.npy", ours)
    np.save(tmp_path / "torch.npy", ours + 1)
    workers = {"ours": Worker, "torch": Worker}
    assert sampling.check_same(tmp_path, workers) == {"ours": 0, "torch": 1}
    np.save(tmp_path / "torch.npy", ours[:, ::-1])
    with pytest.raises(SystemExit, match="torch draws other pictures"):
        sampling.check_same(tmp_path, workers)
    np.save(tmp_path / "ours.npy", np.full_like(ours, 127))
    with pytest.raises(SystemExit, match="nearly even"):
        sampling.check_same(tmp_path, workers)


def test_the_pipelines_kinds_are_what_they_are_called(tmp_path):
    pipeline.make_folder(tmp_path, 5)
    found = {kind: pipeline.source(kind, str(tmp_path), 5) for kind in pipeline.KINDS}
    for kind, images in found.items():
        assert (len(images), images.shape, images.flip) == (5, (64, 64, 3), kind.endswith("flipped")), kind
        decoded_each_time = not isinstance(images.images, np.ndarray)
        assert decoded_each_time == (kind == "folder, decoded each time")
    assert "KERAS_GANS_MAX_DECODED" not in os.environ
    rates = pipeline.alone(found["folder, kept"], 2)
    assert [*rates] == ["first", "later", "tf.data"]
    assert min(rates.values()) > 0


@pytest.mark.slow
def test_how_long_fit_waits():
    model = train_step.network(2, "float32")
    model.compile(ema_decay=None)
    found = pipeline.fit(model, pipeline.source("array", "", 8), 2)
    assert model.steps_taken == 8
    assert 0 <= found["waited"] < 1
    assert found["longest_wait"] < found["seconds_of_a_step"] * 8


def test_processes_of_a_cluster_know_each_other():
    options = peers.parser("", 1).parse_args([])
    vars(options).update(width=8, batch=8, devices=[1, 2], workers=[1, 2])
    found = distribution.entries(options)
    assert [*found][:5] == ["one device", "1 logical", "2 logical", "2 logical, synchronised statistics", "1 process"]
    both = [json.loads(entry["env"]["TF_CONFIG"]) for entry in found["2 processes"]]
    assert both[0]["cluster"] == both[1]["cluster"]
    assert len(set(both[0]["cluster"]["worker"])) == 2
    assert [config["task"] for config in both] == [{"type": "worker", "index": i} for i in range(2)]


def test_tables_of_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "RESULTS", tmp_path)
    assert tables.page() == ""
    options = peers.parser("", 1).parse_args(["--repeats", "3"])
    rows = [
        {"who": who, "work": "train", "size": size, "kept": True, "peak_mib": {"median": size * 10.0}}
        for who in ("ours", "torch")
        for size in (64, 16)
    ]
    peers.write("memory", {"rows": rows}, options)
    lines = tables.page().splitlines()
    assert lines[0] == "## `python benchmarks/memory.py`"
    assert lines[2:6:3] == [
        "| peak of | process | 16 at once | 64 at once |",
        "| train | torch, kept | 160 MiB | 640 MiB |",
    ]
    assert "medians of 3" in lines[-1]
    (tmp_path / "memory.json").rename(tmp_path / "memory_width32.json")
    assert tables.page().splitlines() == lines


# --- that they run --------------------------------------------------------------------------------------


def quick(name, tmp_path):
    """What a script writes on tiny sizes, without the peer."""
    out = tmp_path / "found.json"
    command = [sys.executable, f"{BENCHMARKS}/{name}.py", "--quick", "--alone", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, env=peers.environment())
    assert ended.returncode == 0, ended.stderr
    assert f"wrote {out}" in ended.stdout
    return json.loads(out.read_text())


@pytest.mark.slow
def test_the_share_of_products_by_its_script(tmp_path):
    result = quick("matmul_share", tmp_path)
    found = result["precision"]["float32"]
    assert f"| remainder | {found['share_of_time']['remainder']:.0%} |" in tables.matmul_share(result)
    assert found["share"]["median"] == pytest.approx(
        found["flop_of_a_step"]
        / found["seconds_of_a_step"]["median"]
        / max(row["median"] for row in found["product_flop_per_s"]["tensorflow"].values()),
        rel=1e-3,
    )


@pytest.mark.full
@pytest.mark.parametrize("name", ["train_step", "sampling", "first_image", "distribution", "pipeline", "memory"])
def test_every_script_runs(name, tmp_path):
    found = quick(name, tmp_path)
    assert found["machine"]["cores"] == peers.cores()
    assert any(line.startswith("|---") for line in getattr(tables, name)(found))
