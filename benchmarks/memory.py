"""How much memory training and drawing take at most, by how many images are computed at once.

python benchmarks/memory.py           # prints, and writes results/memory.json

The highest resident set of a process, in MiB, each figure from a fresh one: DCGAN-64 of width 64, a few steps of `fit`
on an array, or a few batches of `generate`; beside it what the process held once its libraries were imported. The peer
takes the same steps in PyTorch. "kept" is the environment in which `keras-gans train` keeps freed memory for the next
step, which costs memory and saves time; "environment as it is" is a user's own script.
"""

import tempfile
from pathlib import Path

import numpy as np
import peers
import train_step

from keras_gans._peak import peak_bytes

SMALL = {"width": 8, "sizes": [4], "steps": 2}  # with --quick


def contestant(who, work, width, size, steps, folder):
    """A process that imports what it needs, then does its one work when it is asked to."""
    start = Path(folder) / "start.npz"
    if who == "torch":
        import torch_dcgan  # noqa: F401

        return {"work": lambda: _peaks(lambda: torch_work(work, start, size, steps))}
    import tensorflow as tf  # noqa: F401

    from keras_gans.models import DCGAN  # noqa: F401

    return {
        "work": lambda: _peaks(lambda: our_work(work, width, size, steps)),
        "start": lambda: train_step.save_start(train_step.network(width, "float32"), start, 1),
    }


def _peaks(work):
    before = peak_bytes()
    work()
    return {"imported": before / 2**20, "peak": peak_bytes() / 2**20}


def our_work(work, width, size, steps):
    model = train_step.network(width, "float32")
    if work == "sample":
        model.generate(size * steps, batch_size=size)
        return
    model.compile()
    images = np.random.default_rng(0).integers(0, 256, (size * steps, 64, 64, 3), dtype="uint8")
    model.fit(images, batch_size=size, verbose=0)


def torch_work(work, start, size, steps):
    import torch_dcgan

    saved = dict(np.load(start))
    if work == "sample":
        draw = torch_dcgan.sampler(torch_dcgan.drawing(saved, "channels_last"), "channels_last")
        np.concatenate([draw(size) for _ in range(steps)])
        return
    trainer = torch_dcgan.Trainer(saved, train_step.photographs(size), "channels_last")
    for _ in range(steps):
        trainer.step()


def measured(options):
    """Rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        common = {"width": options.width, "steps": options.steps, "folder": folder}
        sides = ["ours", *(["torch"] if options.peer else [])]
        if options.peer:
            with peers.field(__file__, {"ours": {"who": "ours", "work": "train", "size": 1, **common}}) as workers:
                workers["ours"].ask("start")
        for work in ("train", "sample"):
            for size in options.sizes:
                for who in sides:
                    for kept in (True, False):
                        entry = {"who": who, "work": work, "size": size, "kept": kept, **common}
                        rows.append(row(entry, options.repeats))
                        print(line(rows[-1]))
    return rows


def row(entry, repeats):
    """One line of the table, of as many fresh processes as there are repeats."""
    found = []
    for _ in range(repeats):
        with peers.field(__file__, {"one": entry}) as workers:
            found.append(workers["one"].ask("work"))
    return {
        **{key: entry[key] for key in ("who", "work", "size", "kept")},
        **{f"{name}_mib": peers.spread([x[name] for x in found]) for name in ("imported", "peak")},
    }


def line(row):
    memory = "kept" if row["kept"] else "environment as it is"
    imported, peak = row["imported_mib"]["median"], row["peak_mib"]["median"]
    return f"{row['work']:7} {row['size']:4} {row['who']:6} {memory:21} {peak:8,.0f} MiB, {imported:,.0f} once imported"


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=2)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 64, 256], help="images at once [16 64 256]")
    parser.add_argument("--steps", type=int, default=3, help="steps, or batches drawn [3]")
    options = peers.asked(parser, arguments, SMALL)
    rows = measured(options)
    peers.write("memory", {"width": options.width, "steps": options.steps, "rows": rows}, options)


if __name__ == "__main__":
    peers.run(main, contestant)
