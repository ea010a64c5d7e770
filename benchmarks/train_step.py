"""How fast a DCGAN of 64x64 trains, beside the same network in PyTorch and in the style of Keras's tutorials.

python benchmarks/train_step.py                                    # prints, and writes results/train_step.json
python benchmarks/train_step.py --precision float32 bfloat16 --width 32

Images a second, batch 64, of the compiled step on one batch that is there: turns that alternate, non-saturating loss,
Adam at 2e-4 with beta_1 .5. `ours` has no moving average, as the peers have none; `ours, defaults` is `compile()` as
it comes, which has one. PyTorch does the same turns, in two layouts, and compiled; `example` are the turns of its own
DCGAN example, with one drawing for both. First all of them take one step from the same weights on the same images and
latents, and have to report the same losses: at a hundredth of the learning rate, for Adam's first step follows the
gradients' signs, and makes much of how they were rounded.

`fit` is held against the bare step of the same process: 10 % is what it may cost. Contestants have the environment that
`keras-gans train` gives itself (peers.environment); those called "environment as it is" do not.
"""

import tempfile
from pathlib import Path

import numpy as np
import peers

AIM, AIM_FIT = 1.0, 0.9
CLOSE = {"float32": 1e-4, "bfloat16": 2e-2}  # of the first losses; bfloat16 has 8 bits
RATE, FIRST_RATE = 2e-4, 2e-6
DTYPES = {"float32": None, "bfloat16": "mixed_bfloat16"}
SMALL = {"width": 8, "batch": 4, "steps": 1}  # with --quick


# --- contestants ----------------------------------------------------------------------------------------


def network(width, precision):
    """The DCGAN that all start from."""
    import keras

    from keras_gans.models import DCGAN

    keras.utils.set_random_seed(0)
    return DCGAN(size=64, width=width, dtype=DTYPES[precision])


def photographs(batch):
    """float32 (batch, 64, 64, 3) in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (batch, 64, 64, 3)).astype("float32")


def compiled(step, model, images):
    """The bare step: a train step as a graph, on one batch."""
    import tensorflow as tf

    run, batch = tf.function(step, jit_compile=bool(model.jit_compile), autograph=False), tf.constant(images)
    return lambda: {name: float(value) for name, value in run(batch).items()}


def contestant(who, width, batch, precision, folder, defaults=False, **options):
    """A process of ours, of Keras's tutorials or of PyTorch."""
    images, start = photographs(batch), Path(folder) / f"start_{precision}.npz"
    if who == "torch":
        return torch_contestant(start, images, precision, options)
    model = network(width, precision)
    if who == "tutorial":
        return tutorial_contestant(model, np.load(start), images, precision)
    if not start.is_file():
        save_start(model, start, batch)
    model.compile() if defaults else model.compile(ema_decay=None)
    step = compiled(model.train_step, model, images)
    optimizers = [model.discriminator_optimizer, model.generator_optimizer]
    return {**timed(step), "first": lambda: first(step, optimizers), "fit": lambda steps: fit(model, images, steps)}


def first(step, optimizers):
    """The losses of a first step, of Keras's optimizers, at its own rate."""
    for optimizer in optimizers:
        optimizer.learning_rate = FIRST_RATE
    found = step()
    for optimizer in optimizers:
        optimizer.learning_rate = RATE
    return found


def timed(step):
    """Seconds of a step. Each gives its losses as numbers, so that nothing is left to be computed."""
    return {"seconds": lambda steps: peers.seconds(step, steps)}


def save_start(model, path, batch):
    """Weights, and the latents of the first step's two turns, for the peers."""
    from keras_gans import random

    weights = {
        f"{player}/{weight.path}": np.asarray(weight)
        for player in model.players
        for weight in getattr(model, player).weights
    }
    for number, player in enumerate(model.players):
        noise = random.Noise(0, number, 0)
        weights[f"latents/{player}"] = np.asarray(noise.latents(batch, model.latent, model.prior))
    np.savez(path, **weights)


def fit(model, images, steps):
    """Seconds of a step within `fit`, on an array in memory, the first one left out."""
    import keras

    ends = []
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(peers.now()))
    n = len(images)
    model.fit(np.concatenate([images] * (steps + 1)), batch_size=n, verbose=0, callbacks=[clock])
    return (ends[-1] - ends[0]) / steps


def tutorial_contestant(model, start, images, precision):
    import keras_tutorial
    import tensorflow as tf

    gan = keras_tutorial.like(model, DTYPES[precision], RATE)
    step = compiled(gan.train_step, gan, images)

    def with_given_latents():
        given = iter([tf.constant(start[f"latents/{player}"]) for player in model.players])
        gan.latents = lambda n: next(given)
        try:
            return first(compiled(gan.train_step, gan, images), [gan.d_optimizer, gan.g_optimizer])
        finally:
            del gan.latents

    return {**timed(step), "first": with_given_latents}


def torch_contestant(start, images, precision, options):
    import torch_dcgan

    saved = dict(np.load(start))
    trainer = torch_dcgan.Trainer(saved, images, precision=precision, rate=RATE, **options)
    latents = [saved[f"latents/{player}"] for player in ("discriminator", "generator")]

    def step(*given):
        d_loss, g_loss = trainer.step(*given)
        return {"d_loss": float(d_loss), "g_loss": float(g_loss)}

    def first_of_torch():
        trainer.set_rate(FIRST_RATE)
        found = step(latents)
        trainer.set_rate(RATE)
        return found

    return {**timed(step), "first": first_of_torch}


def entries(options, precision, folder):
    """{name: options of a contestant}. Ours comes first: it says where all start."""
    common = {"width": options.width, "batch": options.batch, "precision": precision, "folder": folder}
    found = {
        "ours": {"who": "ours"},
        "ours, defaults": {"who": "ours", "defaults": True},
        "Keras tutorial": {"who": "tutorial"},
        "ours, environment as it is": {"who": "ours", "kept": False},
    }
    if options.peer:
        found |= {
            "torch plain": {"who": "torch"},
            "torch channels_last": {"who": "torch", "layout": "channels_last"},
            "torch example": {"who": "torch", "layout": "channels_last", "example": True},
            "torch channels_last, environment as it is": {"who": "torch", "layout": "channels_last", "kept": False},
        }
        if peers.has_compiler() and not options.quick:
            found["torch compiled"] = {"who": "torch", "layout": "channels_last", "compiled": True}
    return {name: {**common, **more} for name, more in found.items()}


# --- the whole ------------------------------------------------------------------------------------------


def measured(options, precision):
    """One precision: rates, ratios and whether all do the same."""
    with (
        tempfile.TemporaryDirectory() as folder,
        peers.field(__file__, entries(options, precision, folder)) as workers,
    ):
        first = {name: worker.ask("first") for name, worker in workers.items()}
        apart = check_same(first, precision)
        taken = peers.alternate(workers, options.repeats, steps=options.steps)
        fits = [
            (workers["ours"].ask("seconds", steps=options.steps), workers["ours"].ask("fit", steps=options.steps))
            for _ in range(options.repeats)
        ]
    of_fit = peers.ratio([within for _, within in fits], [bare for bare, _ in fits])
    found = {
        "images_per_s": peers.rates(taken, options.batch),
        "ratio_of_ours_to": peers.ratios(taken),
        "fit_of_bare_step": peers.judged(of_fit, AIM_FIT),
        "first_losses": first,
        "first_losses_apart": apart,
    }
    return {**found, **peers.against_the_best(found, "torch", AIM)}


def check_same(first, precision):
    """The largest difference to ours of the first step's losses; SystemExit if it is not the same work."""
    apart = {}
    for name, losses in first.items():
        if name != "torch example":  # which draws once for both turns
            apart[name] = max(abs(losses[term] - first["ours"][term]) for term in ("d_loss", "g_loss"))
    if max(apart.values()) > CLOSE[precision]:
        raise SystemExit(f"The first step's losses differ by more than {CLOSE[precision]}: {apart}; {first}")
    return apart


def said(precision, found, batch):
    peers.say(f"DCGAN-64, {precision}, batch {batch}", found["images_per_s"], "images/s")
    peers.say("ours, times as fast as", found["ratio_of_ours_to"], "x", 2)
    peers.say("fit, times as fast as the bare step", {"ours": found["fit_of_bare_step"]}, "x", 3)
    print(f"  {peers.verdict(found['fit_of_bare_step'])}")
    peers.say_best(found)


def main(arguments=None):
    parser = peers.parser(__doc__, repeats=7)
    parser.add_argument("--width", type=int, default=64, help="of the network [64]")
    parser.add_argument("--batch", type=int, default=64, help="images of a step [64]")
    parser.add_argument("--steps", type=int, default=2, help="steps timed in a row [2]")
    parser.add_argument("--precision", nargs="+", choices=[*DTYPES], default=["float32"], help="[float32]")
    options = peers.asked(parser, arguments, SMALL)
    result = {"width": options.width, "batch": options.batch, "precision": {}}
    for precision in options.precision:
        result["precision"][precision] = measured(options, precision)
        said(precision, result["precision"][precision], options.batch)
    peers.write("train_step", result, options)


if __name__ == "__main__":
    peers.run(main, contestant)
