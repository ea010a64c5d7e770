"""What test_jax.py compares: games that it plays on TensorFlow, and this script on JAX where there is no TensorFlow.

    KERAS_BACKEND=jax python jax_side.py FOLDER

FOLDER has what test_jax.py wrote on TensorFlow; what is found goes into FOLDER/jax.npz.
"""

import sys
from pathlib import Path

import numpy as np

GAMES = ("dcgan", "vanilla")


class NoTensorFlow:
    """A meta path finder that knows of no TensorFlow."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "tensorflow_datasets", "tensorboard"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def pixels(size, n=40):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 1), dtype="uint8")


def values(model):
    """Every weight, both optimizers, the average and the counters."""
    from keras_gans.training import checkpoint

    return [np.array(v.value) for v in checkpoint.state_variables(model).values()]


def players(model):
    """{player: all its trainable weights in one float64 vector}"""
    return {
        player: np.concatenate(
            [np.array(v.value, "float64").ravel() for v in getattr(model, player).trainable_variables]
        )
        for player in model.players
    }


def gradients(path, batch=None):
    """{player/weight: its gradient}, by the backend's own `gradients`, for both players on one batch, unmoved weights.

    path: of a compiled model's .keras file. batch: as the game takes it; None: pixels, and labels of three classes.
    """
    import keras

    from keras_gans.training import backend

    model, step = keras.saving.load_model(path), backend.gradient_step()
    batch = model._batch(batch or (pixels(model.image_shape[0], 8), np.arange(8) % 3))

    def taken():
        found = {}
        for player in model.players:
            weights, optimizer = getattr(model, player).trainable_variables, getattr(model, f"{player}_optimizer")
            _, (grads,) = step.gradients(
                lambda part, p=player: model._terms_of((p,), batch, 0, part), [weights], [optimizer]
            )
            found.update({f"{player}/{w.path}": g for w, g in zip(weights, grads, strict=True)})
        return found

    found = at_once(model, taken) if keras.backend.backend() == "jax" else taken()
    return {f"gradients/{name}": np.array(g, "float64") for name, g in found.items()}


def at_once(model, function):
    """What a function of no arguments gives, compiled by JAX as a train step is: its operations alone take thrice."""
    import jax
    import keras

    from keras_gans.training import jax_step

    variables = jax_step.state(model)

    def pure(values):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return function()

    return jax.jit(pure)([variable.value for variable in variables])


def of_classes(folder):
    """What FOLDER/conditional.keras draws and sees, a projection onto it, and two steps on labelled images."""
    import keras

    from keras_gans import latent

    model = keras.saving.load_model(folder / "conditional.keras")
    images, labels = pixels(28, 16), np.arange(16) % 3
    found = {
        "drawn": model.generate(4, seed=1, output="float"),
        "features": model.features(images, labels),
        "features of every class": model.features(images[:2]),
    }
    near = latent.project(model, images[0], labels=1, starts=2, steps=5)
    found["latents"] = near.latents
    found.update({f"{player}/0": w for player, w in players(model).items()})
    model.fit(images, labels, batch_size=8, verbose=0)
    found.update({f"{player}/2": w for player, w in players(model).items()})
    return {
        f"conditional/{name}": value for name, value in {**found, **gradients(folder / "conditional.keras")}.items()
    }


def of_sentences(folder):
    """What FOLDER/text.keras reads and draws, and two steps on pictures with captions."""
    import keras

    from keras_gans import data

    model = keras.saving.load_model(folder / "text.keras")
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), dtype="uint8")
    captioned = data.captioned((images, [f"a thing of kind {i}" for i in range(16)], np.arange(16) % 4), size=16)
    found = {"vectors": model.vectors(["red", "", "a blue bird"]), "drawn": model.generate("red", n=3, output="float")}
    ((pictures, conditions),) = captioned.with_vectors(model.vectors(captioned.sentences)).in_order(16)
    taken = gradients(folder / "text.keras", (pictures[:8], conditions[:8]))
    found.update({f"{player}/0": w for player, w in players(model).items()})
    model.fit(captioned, batch_size=8, verbose=0)
    found.update({f"{player}/2": w for player, w in players(model).items()})
    return {f"text/{name}": value for name, value in {**found, **taken}.items()}


def at_the_same_time(folder):
    """A step of FOLDER/dcgan.keras with both players at once, in two micro-batches: players and statistics after it."""
    import keras

    model = keras.saving.load_model(folder / "dcgan.keras")
    model.compile_from_config({**model.get_compile_config(), "update": "simultaneous", "accumulate": 2})
    found = {f"{player}/0": w for player, w in players(model).items()}
    model.fit(pixels(28, 8), batch_size=8, verbose=0)
    found.update({f"{player}/1": w for player, w in players(model).items()})
    found["statistics"] = np.concatenate([np.array(v.value, "float64").ravel() for v in model.non_trainable_variables])
    return {f"together/{name}": value for name, value in found.items()}


def in_one_pass(folder):
    """How many convolutions turns have on JAX; what micro-batches change; a loss that is not finite."""
    import jax
    import keras

    from keras_gans import losses
    from keras_gans.training import jax_step

    def convolutions(model, *turns):
        batch = model._batch(pixels(28, 8))
        graphs = [jax.make_jaxpr(lambda who=who: model._terms_of(who, batch, 0))() for who in turns]
        return [str(graph).count("conv_general_dilated") for graph in graphs]

    model = keras.saving.load_model(folder / "dcgan.keras")
    found = {"convolutions with r1": convolutions(model, ("discriminator",))}
    model.compile_from_config({**model.get_compile_config(), "penalties": {}})
    found["convolutions"] = convolutions(model, model.players, *((player,) for player in model.players))

    model = keras.saving.load_model(folder / "vanilla.keras")  # both at once, with dropout
    batch, memory, gradients_ = model._batch(pixels(8, 512)), [], []
    variables = [getattr(model, player).trainable_variables for player in model.players]
    optimizers = [getattr(model, f"{player}_optimizer") for player in model.players]

    def taken(weights, parts):
        pairs = zip([v for own in variables for v in own], weights, strict=True)
        with keras.StatelessScope(list(pairs)):
            return jax_step.gradients(
                lambda part: model._terms_of(model.players, batch, 0, part), variables, optimizers, parts
            )

    for parts in (1, 4):
        model.accumulate = parts
        weights = [v.value for own in variables for v in own]
        compiled = jax.jit(taken, static_argnums=1).lower(weights, parts).compile()
        memory.append(compiled.memory_analysis().temp_size_in_bytes)
        _, grads = compiled(weights)
        gradients_.append(np.concatenate([np.ravel(g) for own in grads for g in own]).astype("float64"))
    found.update({"memory": memory, "whole": gradients_[0], "in_parts": gradients_[1]})

    plain = losses.get("non_saturating")
    model.compile(loss=(plain.discriminator, lambda fake: np.nan * plain.generator(fake)), update="simultaneous")
    before = players(model)
    model.fit(pixels(8, 8), batch_size=8, verbose=0)
    found["moved"] = [(players(model)[player] != before[player]).any() for player in model.players]
    found["not_finite"] = [int(np.array(model.nonfinite[player].value)) for player in model.players]
    return {f"pass/{name}": np.array(value) for name, value in found.items()}


def attributes(folder):
    """What the AttributeNet in FOLDER/attributes reads in pictures."""
    import keras_gans

    net = keras_gans.load(folder / "attributes")
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype="uint8")
    both = net.probability(images, {"bright": True, "framed": False})
    return {"attributes/each": net.predict_attributes(images), "attributes/both": both}


def play(model):
    """{name: array} of ten steps: both players at steps 0, 1 and 10, statistics and pictures at the end, the losses."""
    import keras

    found = {}

    def note():
        found.update({f"{player}/{model.steps_taken}": w for player, w in players(model).items()})

    note()
    images = pixels(model.image_shape[0])
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: note() if model.steps_taken in (1, 10) else None
    )
    size = 8 // model.discriminator_steps
    history = model.fit(images, batch_size=size, epochs=2, validation_data=images[:16], callbacks=watch, verbose=0)
    found.update({f"history/{name}": np.array(of_epochs) for name, of_epochs in history.history.items()})
    found["statistics"] = np.concatenate([np.array(v.value, "float64").ravel() for v in model.non_trainable_variables])
    found["evaluated"] = np.array(model.evaluate(images[:10] if size < 8 else images, batch_size=size, verbose=0))
    found["drawn"] = model.generate(4, seed=1, output="float")
    return found


def read(folder, out, **more):
    """A classifier's run of five steps, mixed, from the weights in FOLDER/reader. Returns {name: array} of it."""
    import keras_gans
    from keras_gans.training import supervised
    from keras_gans.training.callbacks import read_curve

    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype="uint8")
    optimizer = {"class": "MomentumSGD", "learning_rate": 0.2, "l2": 1e-2, "use_ema": True, "ema_momentum": 0.5}
    recipe = {
        "batch_size": 8,
        "steps": 5,
        "data": {"flip": True, "crop": 1, "cutmix": 1.0, "mixup": 0.5},
        "compile": {"label_smoothing": 0.1, "optimizer": optimizer},
    }
    data = keras_gans.data.load((images, np.arange(24) % 3))
    card = keras_gans.load(folder / "reader").card
    model = supervised.train(lambda: keras_gans.load(folder / "reader"), card, recipe, data, out, **more)
    found = {name: value.astype("float64") for name, value in model.tensors().items()}
    found["features"] = model.features(images)
    found["losses"] = np.array([row["loss"] for row in read_curve(out / "curve.csv")])
    found["distance"] = model.distance(images[:3], images[3:6])
    return found


def reader(folder):
    """A classifier's run that is stopped and resumed."""
    from keras_gans.training.callbacks import Stopped

    asked, said = iter([False, True]), ""
    try:
        read(folder, folder / "of_jax", stop=lambda: next(asked))
    except Stopped as stopped:
        said = str(stopped)
    resumed = read(folder, folder / "of_jax")
    return {"reader_said": np.array(said), **{f"reader/{name}": value for name, value in resumed.items()}}


def main(folder):
    sys.meta_path.insert(0, NoTensorFlow())
    import keras

    import keras_gans

    found = {}
    for name in GAMES:
        model = keras.saving.load_model(folder / f"{name}.keras")
        found.update({f"{name}/{key}": value for key, value in play(model).items()})
        found.update({f"{name}/{key}": value for key, value in gradients(folder / f"{name}.keras").items()})
        found[f"{name}/jit"] = np.array(model.jit_compile)
        model.save(folder / f"{name}_of_jax.keras")
        model.save_pretrained(folder / f"{name}_of_jax")
        loaded = keras_gans.load(folder / f"{name}_of_tensorflow")
        found[f"{name}/loaded"] = loaded.generate(4, seed=2)
    found["shipped"] = keras_gans.load("dcgan_mnist").generate(4, seed=0)
    found.update(of_classes(folder))
    found.update(of_sentences(folder))
    found.update(attributes(folder))
    found.update(at_the_same_time(folder))
    found.update(in_one_pass(folder))
    found.update(resume(folder))
    found.update(reader(folder))
    found.update(command_line(folder))
    found["sentence"] = np.array(sentence())
    found.update({f"two devices/{key}": value for key, value in on_two_devices(folder).items()})
    assert not {"tensorflow", "tensorflow_datasets"} & set(sys.modules)
    np.savez(folder / "jax.npz", **found)


class StopHere(Exception):
    pass


def resume(folder):
    """One run undisturbed, stopped and resumed, and two steps at once; from step 15 gradients are not finite."""
    import keras
    from keras import ops

    from keras_gans import callbacks, losses
    from keras_gans.models.vanilla import VanillaGAN
    from keras_gans.training import checkpoint
    from keras_gans.training.callbacks import TrainingError

    plain = losses.get("non_saturating")
    model = VanillaGAN(size=8, latent=4, generator_units=(8,), discriminator_units=4)

    def poisoned(fake):
        return plain.generator(fake) * ops.where(model.steps >= 15, float("nan"), 1.0)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if model.steps_taken == 8:
                raise StopHere

    def reset(to):
        for variable, value in zip(checkpoint.state_variables(model).values(), to, strict=True):
            variable.assign(value)

    def fit(*given, epochs=3):
        return model.fit(pixels(8), batch_size=8, epochs=epochs, callbacks=list(given), verbose=0)

    model.compile(loss=(plain.discriminator, poisoned))
    start = values(model)
    fit()
    whole = values(model)

    reset(start)
    try:
        fit(callbacks.Checkpoint(folder / "kept", every=3), Stop())
    except StopHere:
        reset([np.ones_like(value) for value in start])  # nothing of it may survive
    history = fit(callbacks.Checkpoint(folder / "kept", every=3))
    resumed = values(model)
    assert history.epoch == [1, 2]

    reset(start)
    model.steps_per_execution = 2
    seen = []
    fit(keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, model.steps_taken))))
    together = values(model)
    model.steps_per_execution = 1

    before = players(model)
    try:
        fit(epochs=4)
        said = ""
    except TrainingError as error:
        said = str(error)
    after = players(model)
    return {
        "resume/changed": np.array([(a != b).any() for a, b in zip(start, whole, strict=True)]),
        "resume/resumed": np.array([(a == b).all() for a, b in zip(whole, resumed, strict=True)]),
        "resume/together": np.array([np.abs(a - b).max() for a, b in zip(whole, together, strict=True)]),
        "resume/batches": np.array(seen),
        "poison/said": np.array(said),
        "poison/generator_stayed": (before["generator"] == after["generator"]).all(),
        "poison/discriminator_moved": (before["discriminator"] != after["discriminator"]).any(),
        "poison/finite": all(np.isfinite(value).all() for value in values(model)),
        "poison/steps": model.steps_taken,
    }


def command_line(folder):
    """keras-gans train on a folder of PNGs, generate and publish."""
    from click.testing import CliRunner
    from PIL import Image

    from keras_gans import artifacts
    from keras_gans.cli.main import cli

    photos, run = folder / "photos", folder / "run"
    photos.mkdir()
    for i, picture in enumerate(pixels(28, 16)):
        Image.fromarray(picture[..., 0]).save(photos / f"{i}.png")

    def keras_gans(*arguments):
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output

    small = ("--set", "generator_units=[8]", "--set", "discriminator_units=4")
    keras_gans("train", "vanilla_mnist", "--data", photos, "--steps", 3, "--batch-size", 4, *small, "--out", run)
    keras_gans("publish", run)
    keras_gans("generate", run / "published", "--out", folder / "page.png")
    told = artifacts.read_json(run / "run.json")
    return {
        "cli/versions": np.array(sorted(told["versions"])),
        "cli/hardware": np.array(told["hardware"]),
        "cli/page": np.asarray(Image.open(folder / "page.png")),
    }


def on_two_devices(folder):
    """The 2014 GAN's game, every batch shared out to two devices."""
    import jax
    import keras

    keras.distribution.set_distribution(keras.distribution.DataParallel())
    model = keras.saving.load_model(folder / "vanilla.keras")
    found = play(model)
    assert {len(v.value.sharding.device_set) for v in model.variables} == {len(jax.devices())} == {2}
    return found


def sentence():
    """What is said of a source that needs TensorFlow."""
    from keras_gans import DataError, data

    try:
        data.load("tfds:mnist").images  # noqa: B018
    except DataError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
