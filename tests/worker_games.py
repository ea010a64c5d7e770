"""What test_workers.py compares: games that one process plays, and two that find each other on 127.0.0.1.

    TF_CONFIG=... python worker_games.py FOLDER NAME [NAME ...]

NAME is a game, or "resumed": a run that is ended and goes on.
Each process writes FOLDER/worker_<its number>.npz.
"""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np

BATCH, STEPS = 16, 10


def games():
    """{name: (function that builds, arguments of compile, function from a number of images to data, SGD's rate)}"""
    from keras_gans import DCGAN, SRGAN, TextToImageGAN, VanillaGAN, data
    from keras_gans.models import srgan

    srgan.STAGES = ((1, 1), (2, 2), (4, 2))  # of a discriminator of three convolutions
    rng = np.random.default_rng(0)

    def pictures(size, channels):
        return lambda n: data.load((rng_of(n).integers(0, 256, (n, size, size, channels), "uint8"), np.arange(n) % 3))

    def rng_of(n):
        return np.random.default_rng(n)

    def captioned(n):
        squares = rng_of(n).integers(0, 256, (n, 16, 16, 3), "uint8")
        return data.captioned((squares, [f"a thing of kind {i}" for i in range(n)], np.arange(n) % 4), size=16)

    photographs = [rng.integers(0, 256, (40, 32, 3), "uint8"), rng.integers(0, 256, (24, 60, 3), "uint8")]
    noisy = {"penalties": {"r1": 1.0}, "augment": ("color", "translation", "cutout"), "discriminator_steps": 2}
    spectral = {"normalization": "spectral", "conditioning": "projection", "num_classes": 3, "synchronized": True}
    reader = {"reader_units": (4, 5, 6), "reader_recurrent": 4, "reader_dim": 8, "picture_features": 3}
    words = {"compressed": 5, "examples": ("a red flower", "a blue bird"), "synchronized": True}
    return {
        "vanilla": (
            lambda: VanillaGAN(size=8, latent=6, generator_units=(12, 12), discriminator_units=6),
            {"update": "simultaneous"},
            pictures(8, 1),
            0.05,
        ),
        "dcgan": (lambda: DCGAN(size=28, width=2, latent=6, synchronized=True), {}, pictures(28, 3), 0.05),
        "noisy": (
            lambda: DCGAN(size=28, width=2, latent=6, **spectral),
            {"loss": "hinge", **noisy},
            pictures(28, 3),
            0.05,
        ),
        "text": (
            lambda: TextToImageGAN(size=16, width=4, latent=6, **reader, **words),
            {"augment": ("translation",)},
            captioned,
            0.05,
        ),
        "srgan": (
            lambda: SRGAN(scale=2, blocks=1, width=2, size=16, synchronized=True),
            {"perceptual": "mse"},
            lambda n: data.super_resolution(photographs, scale=2, crop=16, batch=BATCH),
            0.005,
        ),
    }


def played(name, scope=contextlib.nullcontext):
    """{"<name>/<player>/<step>": all its trainable weights in a vector}, at the steps 0, 1 and STEPS."""
    import keras

    build, arguments, data, rate = games()[name]
    keras.utils.set_random_seed(1)
    with scope():
        model = build()
        rates = {f"{player}_optimizer": keras.optimizers.SGD(rate) for player in model.players}
        model.compile(**{**arguments, **rates})
    if name == "vanilla":  # as it begins, its weights are so small that ten steps change them by less than rounding
        for i, variable in enumerate(model.trainable_variables):
            variable.assign(np.random.default_rng(i).normal(0, 0.3, variable.shape))
    found = {}

    def look(batch=None, logs=None):
        if (step := model.steps_taken) in (0, 1, STEPS):
            found.update({f"{name}/{player}/{step}": w for player, w in _players(model).items()})

    look()
    images = BATCH * model.discriminator_steps * STEPS
    history = model.fit(
        data(images),
        batch_size=BATCH,
        epochs=1,
        steps_per_epoch=STEPS,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=look)],
        verbose=0,
    )
    return {**found, f"{name}/losses": np.array([values[-1] for values in history.history.values()])}


def _players(model):
    import keras

    return {
        player: np.concatenate(
            [
                np.asarray(keras.ops.convert_to_numpy(v), "float64").ravel()
                for v in getattr(model, player).trainable_variables
            ]
        )
        for player in model.players
    }


class Enough(Exception):
    """What ends a run before its end."""


def resumed(strategy, folder):
    """All that a run of 12 steps leaves, undisturbed and ended after the seventh; the chief's folder is its own."""
    import keras

    from keras_gans import VanillaGAN, callbacks, data
    from keras_gans.training import checkpoint

    images = data.load(np.random.default_rng(2).integers(0, 256, (40, 8, 8, 1), "uint8"))
    found = {}

    def run(kind, *others):
        keras.utils.set_random_seed(len(found))  # nothing may depend on how weights were before
        with strategy.scope():
            model = VanillaGAN(size=8, latent=6, generator_units=(12, 12), discriminator_units=6)
            model.compile(augment=("translation",))
        if kind == "undisturbed" or not checkpoint.found(folder):
            for i, variable in enumerate(model.trainable_variables):
                start = np.random.default_rng(i).normal(0, 0.3, variable.shape)
                variable.assign(start)
        kept = callbacks.Checkpoint(folder if kind != "undisturbed" else folder.with_name("undisturbed"), every=3)
        model.fit(images, batch_size=BATCH // 2, epochs=4, steps_per_epoch=3, callbacks=[kept, *others], verbose=0)
        values = checkpoint.state_variables(model).values()
        found.update({f"{kind}/{i:03d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(values)})

    class StopAtSeven(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.steps_taken == 7:
                raise Enough

    run("undisturbed")
    with contextlib.suppress(Enough):
        run("ended", StopAtSeven())
    run("resumed")
    return found


def told(strategy):
    """What the processes hear of each other: who is the chief, its bytes, and whether anybody raised a flag."""
    from keras_gans import VanillaGAN
    from keras_gans.training import distribution

    with strategy.scope():
        model = VanillaGAN(size=8, latent=6, generator_units=(12, 12), discriminator_units=6)
    here = distribution.place(model)
    said = distribution.from_chief(model, b"seven bytes, or more" if here.chief else b"")
    flags = [distribution.anywhere(model, flag) for flag in (False, not here.chief)]
    return {
        "place": np.array(here),
        "said": np.frombuffer(said, "uint8"),
        "silence": np.frombuffer(distribution.from_chief(model, b""), "uint8"),
        "flags": np.array(flags),
    }


if __name__ == "__main__":
    out, names = Path(sys.argv[1]), sys.argv[2:]
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    os.environ["KERAS_BACKEND"] = "tensorflow"

    from keras_gans.training import distribution
    from keras_gans.training.run import deterministic

    chosen = distribution.strategy("auto")
    deterministic(1)
    number = distribution.place_under(chosen).first
    values = told(chosen)
    for name in names:
        if name == "resumed":
            values.update(resumed(chosen, out / f"checkpoints_{number}"))
        else:
            values.update(played(name, chosen.scope))
    np.savez(out / f"worker_{number}.npz", **values)
