"""Whether a train step ever waits for its images.

python benchmarks/pipeline.py           # prints, and writes results/pipeline.json

Batches of 64 at 64x64 from an array in memory, from a folder of PNG files of 96x96 that is decoded once and kept, and
from the same folder where memory would not hold it, so that each picture is decoded whenever it is asked for. Of
each: how many batches a second `Images.batches` gives by itself, and tf.data as `fit` has it; and how long `fit` waits
for the next batch, as a share of its time. At least ten times as many batches as the step of DCGAN-64 takes are aimed
at, and at most 10 % of waiting. What comes before a run's first step stands apart: there a folder is decoded.
"""

import os
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import peers
import train_step

AIM, AIM_WAITING = 10.0, 0.1
SMALL = {"width": 8, "batch": 4, "images": 16, "steps": 1}  # with --quick
KINDS = ("array", "array, flipped", "folder, kept", "folder, kept, flipped", "folder, decoded each time")
PHOTOGRAPH = 96


# --- the contestant: all kinds share one process, where nothing but the data differs --------------------


def contestant(width, batch, images, folder):
    """A process that makes batches, takes steps, and does both."""
    model = train_step.network(width, "float32")
    model.compile(ema_decay=None)
    step = train_step.compiled(model.train_step, model, train_step.photographs(batch))
    make_folder(Path(folder), images)
    return {
        **train_step.timed(step),
        "alone": lambda kind: alone(source(kind, folder, images), batch),
        "fit": lambda kind: fit(model, source(kind, folder, images), batch),
    }


def make_folder(folder, count):
    """PNG files of soft pictures, which compress about as photographs do."""
    from PIL import Image

    from keras_gans.data import bicubic

    for i in range(count):
        rough = np.random.default_rng(i).integers(0, 256, (PHOTOGRAPH // 4, PHOTOGRAPH // 4, 3), dtype="uint8")
        Image.fromarray(bicubic(rough, size=(PHOTOGRAPH, PHOTOGRAPH))).save(folder / f"{i:05d}.png")


def source(kind, folder, count):
    """Images of a kind, not looked at before."""
    from keras_gans import data

    flip = kind.endswith("flipped")
    if kind.startswith("array"):
        array = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype="uint8")
        return data.load(array, flip=flip)
    images = data.load(folder, size=64, channels=3, flip=flip)
    if kind == "folder, decoded each time":
        with mock.patch.dict(os.environ, KERAS_GANS_MAX_DECODED="1"):
            images.images  # noqa: B018 - here it is decided
    return images


def alone(images, batch):
    """Batches a second: of the first epoch, of the second, and of tf.data in the third."""
    from keras_gans.training import feed

    count = images.count() // batch
    epochs = [_exhaust(lambda e=e: images.batches(batch, start=e * count)) for e in range(2)]
    as_in_fit = _exhaust(lambda: feed.Feed(images, batch).keras_arguments()[0])
    taken = {"first": epochs[0], "later": epochs[1], "tf.data": as_in_fit}
    return {name: count / seconds for name, seconds in taken.items()}


def _exhaust(batches):
    began = peers.now()
    for _ in batches():
        pass
    return peers.now() - began


def fit(model, images, batch):
    """Of two epochs: seconds before the first step, the share of the rest that was waited, the longest wait."""
    import tensorflow as tf

    waits, ends = [], []
    step = tf.function(model.train_step, autograph=False)

    def one(iterator):
        began = peers.now()
        data = next(iterator)
        waits.append(peers.now() - began)
        logs = step(data)
        ends.append(peers.now())
        return logs

    model.train_function = one
    model.fit(images, batch_size=batch, epochs=2, verbose=0)
    model.train_function = None
    taken = ends[-1] - ends[0]  # the first step, which is traced, is no part of it
    return {
        "before": waits[0],
        "waited": sum(waits[1:]) / taken,
        "longest_wait": max(waits[1:]),
        "seconds_of_a_step": taken / (len(ends) - 1),
    }


# --- the whole ------------------------------------------------------------------------------------------


def measured(options):
    """{kind: ...} and the step's appetite."""
    with tempfile.TemporaryDirectory() as folder:
        common = {"width": options.width, "batch": options.batch, "images": options.images, "folder": folder}
        with peers.field(__file__, {"ours": common}) as workers:
            ours, kinds = workers["ours"], {}
            step = peers.spread([ours.ask("seconds", steps=options.steps) for _ in range(options.repeats)])
            for kind in KINDS:
                kinds[kind] = of_kind(ours, kind, step["median"], options.repeats)
    return {"seconds_of_a_step": step, "kinds": kinds}


def of_kind(worker, kind, step, repeats):
    """Rates alone, in batches a second and in steps of the bare step; what `fit` waited."""
    alone = [worker.ask("alone", kind=kind) for _ in range(repeats)]
    rates = {name: peers.spread([found[name] for found in alone]) for name in alone[0]}
    later = peers.spread([found["later"] * step for found in alone])
    fits = [worker.ask("fit", kind=kind) for _ in range(repeats)]
    waited = peers.spread([found["waited"] for found in fits])
    return {
        "batches_per_s": rates,
        "times_what_the_step_takes": peers.judged(later, AIM),
        "waited_share_of_fit": {**waited, "aim": AIM_WAITING, "met": waited["median"] <= AIM_WAITING},
        "seconds_before_the_first_step": peers.spread([found["before"] for found in fits]),
        "longest_wait_seconds": max(found["longest_wait"] for found in fits),
    }


def said(found):
    print(f"the step takes {1 / found['seconds_of_a_step']['median']:.2f} batches/s")
    for kind, row in found["kinds"].items():
        peers.say(kind, row["batches_per_s"], "batches/s")
        times, waited = row["times_what_the_step_takes"], row["waited_share_of_fit"]
        print(f"  {times['median']:,.1f} times what the step takes, {peers.verdict(times)}")
        verdict = "met" if waited["met"] else "missed"
        print(f"  fit waits {waited['median']:.2%} of its time, {verdict} (at most {AIM_WAITING:.0%} was aimed at)")


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=3)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--batch", type=int, default=64, help="images of a step [64]")
    parser.add_argument("--images", type=int, default=512, help="of an epoch [512]")
    parser.add_argument("--steps", type=int, default=3, help="steps timed in a row [3]")
    options = peers.asked(parser, arguments, SMALL)
    result = measured(options)
    said(result)
    peers.write(
        "pipeline", {"width": options.width, "batch": options.batch, "images": options.images, **result}, options
    )


if __name__ == "__main__":
    peers.run(main, contestant)
